/** A small Jupyter client: starts a kernel as Jupyter does and speaks to it through ZeroMQ. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Dealer, Request, Subscriber } from 'zeromq';

const ROOT = path.resolve(__dirname, '../..');
const KEY = 'a key for tests';

// biome-ignore lint/suspicious/noExplicitAny: messages hold what the test expects of them
export type Content = Record<string, any>;

export interface Received {
  readonly type: string;
  readonly content: Content;
  readonly parent: string | undefined;
}

/** What became of a cell. */
export interface Outcome {
  readonly reply: Content;
  /** Everything published under it, in order, without its status. */
  readonly outputs: Received[];
  readonly stdout: string;
  readonly stderr: string;
  readonly result: Content | undefined;
  readonly error: Content | undefined;
  readonly ms: number;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export class KernelClient {
  readonly published: Received[] = [];
  private readonly waiting = new Map<string, (content: Content) => void>();
  private watchers: (() => void)[] = [];
  private readonly session = randomUUID();

  private constructor(
    readonly child: ChildProcess,
    private readonly folder: string,
    private readonly shell: Dealer,
    private readonly control: Dealer,
    private readonly stdin: Dealer,
    private readonly iopub: Subscriber,
    private readonly heartbeat: Request,
  ) {}

  /** Starts a kernel in a folder of the clone; it answers already when this is done. */
  static async start(
    cwd = path.join(ROOT, 'notebooks'),
    env: NodeJS.ProcessEnv = {},
    argv: (connection: string) => string[] = (file) => [
      path.join(ROOT, 'src/kernel/main.cjs'),
      file,
    ],
  ): Promise<KernelClient> {
    const folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-kernel-'));
    const [shell, control, stdin, iopub, hb] = (await freePorts(5)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const connection = path.join(folder, 'connection.json');
    writeFileSync(
      connection,
      JSON.stringify({
        transport: 'tcp',
        ip: '127.0.0.1',
        key: KEY,
        signature_scheme: 'hmac-sha256',
        shell_port: shell,
        control_port: control,
        stdin_port: stdin,
        iopub_port: iopub,
        hb_port: hb,
      }),
    );
    const child = spawn(process.execPath, argv(connection), {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const identity = randomUUID();
    const options = { routingId: identity, linger: 0 };
    const client = new KernelClient(
      child,
      folder,
      new Dealer(options),
      new Dealer(options),
      new Dealer(options),
      new Subscriber({ linger: 0, receiveHighWaterMark: 0 }),
      new Request({ linger: 0 }),
    );
    const at = (port: number) => `tcp://127.0.0.1:${port}`;
    client.shell.connect(at(shell));
    client.control.connect(at(control));
    client.stdin.connect(at(stdin));
    client.iopub.connect(at(iopub));
    client.iopub.subscribe();
    client.heartbeat.connect(at(hb));
    void client.read(client.shell);
    void client.read(client.control);
    void client.listen();
    await client.until(() => client.published.some(({ type }) => type === 'iopub_welcome'), 20000);
    return client;
  }

  /** Sends a request and gives the content of its reply. */
  async request(
    channel: 'shell' | 'control',
    type: string,
    content: Content = {},
  ): Promise<Content> {
    const id = randomUUID();
    const reply = new Promise<Content>((resolve) => this.waiting.set(id, resolve));
    await this.send(this[channel], type, content, id);
    return reply;
  }

  /** Runs a cell to its end: reply, and status idle. */
  async execute(code: string, more: Content = {}): Promise<Outcome> {
    return this.start(code, more).outcome;
  }

  /** Starts a cell. */
  start(code: string, more: Content = {}): { id: string; outcome: Promise<Outcome> } {
    const id = randomUUID();
    const began = performance.now();
    const reply = new Promise<Content>((resolve) => this.waiting.set(id, resolve));
    const content = {
      code,
      silent: false,
      store_history: true,
      allow_stdin: true,
      stop_on_error: true,
      user_expressions: {},
      ...more,
    };
    const outcome = (async (): Promise<Outcome> => {
      await this.send(this.shell, 'execute_request', content, id);
      const answer = await reply;
      const ms = performance.now() - began;
      await this.until(
        () => this.of(id).some((one) => one.content.execution_state === 'idle'),
        5000,
      );
      return { ...this.shown(id), reply: answer, ms };
    })();
    return { id, outcome };
  }

  /** What was published under a request so far. */
  shown(id: string): Omit<Outcome, 'reply' | 'ms'> {
    const outputs = this.of(id).filter(({ type }) => type !== 'status');
    const text = (name: string) =>
      outputs
        .filter(({ type, content }) => type === 'stream' && content.name === name)
        .map(({ content }) => content.text)
        .join('');
    const first = (type: string) => outputs.find((one) => one.type === type)?.content;
    return {
      outputs,
      stdout: text('stdout'),
      stderr: text('stderr'),
      result: first('execute_result'),
      error: first('error'),
    };
  }

  /** Answers the next `input_request`, and gives what it asked. */
  async answer(text: string): Promise<Content> {
    const [, , , header, , , content] = await this.stdinFrames();
    await this.send(
      this.stdin,
      'input_reply',
      { value: text },
      randomUUID(),
      JSON.parse(String(header)),
    );
    return JSON.parse(String(content));
  }

  /** Milliseconds of a heartbeat. */
  async beat(): Promise<number> {
    const began = performance.now();
    await this.heartbeat.send('ping');
    await this.heartbeat.receive();
    return performance.now() - began;
  }

  /** Waits until something is so, looking after each message. */
  async until(condition: () => boolean, ms = 10000): Promise<void> {
    const end = Date.now() + ms;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`it did not come true within ${ms} ms`);
      await Promise.race([
        new Promise<void>((resolve) => this.watchers.push(resolve)),
        new Promise((resolve) => setTimeout(resolve, 50)),
      ]);
    }
  }

  get gone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Ends the kernel in whatever state it is. */
  async stop(): Promise<void> {
    if (!this.gone) {
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    }
    for (const socket of [this.shell, this.control, this.stdin, this.iopub, this.heartbeat])
      socket.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private of(id: string): Received[] {
    return this.published.filter(({ parent }) => parent === id);
  }

  private async stdinFrames(): Promise<Buffer[]> {
    const frames = await this.stdin.receive();
    const at = frames.findIndex((frame) => String(frame) === '<IDS|MSG>');
    return [Buffer.alloc(0), ...frames.slice(at)];
  }

  private async send(
    socket: Dealer,
    type: string,
    content: Content,
    id: string,
    parent: object = {},
  ) {
    const header = {
      msg_id: id,
      msg_type: type,
      session: this.session,
      username: 'test',
      date: new Date().toISOString(),
      version: '5.4',
    };
    const parts = [header, parent, {}, content].map((part) => JSON.stringify(part));
    const hmac = createHmac('sha256', KEY);
    for (const part of parts) hmac.update(part);
    await socket.send(['<IDS|MSG>', hmac.digest('hex'), ...parts]);
  }

  private async read(socket: Dealer): Promise<void> {
    for await (const frames of socket) {
      const { parent, content } = unpack(frames);
      if (parent === undefined) continue;
      this.waiting.get(parent)?.(content);
      this.waiting.delete(parent);
    }
  }

  private async listen(): Promise<void> {
    for await (const frames of this.iopub) {
      this.published.push(unpack(frames));
      for (const wake of this.watchers.splice(0)) wake();
    }
  }
}

function unpack(frames: Buffer[]): Received {
  const at = frames.findIndex((frame) => String(frame) === '<IDS|MSG>');
  const [, header, parent, , content] = frames.slice(at + 1).map(String) as string[];
  return {
    type: JSON.parse(header as string).msg_type,
    parent: JSON.parse(parent as string).msg_id,
    content: JSON.parse(content as string),
  };
}
