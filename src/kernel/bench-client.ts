/**
 * # A Jupyter client for measurements
 *
 * The parts of a client that measurements need: it starts a kernel as Jupyter does, runs cells,
 * asks for completions and interrupts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dealer } from 'zeromq';
import { type Content, frames, message, parseMessage } from './wire';

const KEY = 'bench';

/** The answer to an expression. */
interface Answer {
  readonly data?: Readonly<Record<string, string>>;
  readonly evalue?: string;
}

export class BenchClient {
  private readonly waiting = new Map<string, (reply: Content) => void>();

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly shell: Dealer,
    private readonly control: Dealer,
  ) {}

  /** Starts a kernel and waits for its first answer. */
  static async start(
    cwd: string,
    argv: (connection: string) => string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<BenchClient> {
    const folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-bench-kernel-'));
    const names = ['shell_port', 'control_port', 'stdin_port', 'iopub_port', 'hb_port'];
    const ports = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await freePort()] as const)),
    );
    const file = path.join(folder, 'connection.json');
    const how = { transport: 'tcp', ip: '127.0.0.1', key: KEY, signature_scheme: 'hmac-sha256' };
    writeFileSync(file, JSON.stringify({ ...how, ...ports }));
    const child = spawn(process.execPath, argv(file), {
      cwd,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    const connect = (port: number | undefined) => {
      const socket = new Dealer({ linger: 0 });
      socket.connect(`tcp://127.0.0.1:${port}`);
      return socket;
    };
    const client = new BenchClient(
      child,
      folder,
      connect(ports.shell_port),
      connect(ports.control_port),
    );
    void client.read(client.shell);
    void client.read(client.control);
    await client.request(client.shell, 'kernel_info_request', {});
    return client;
  }

  /** Milliseconds from the request to the reply. */
  execute(code: string): Promise<number> {
    const content = { code, silent: false, store_history: true, allow_stdin: false };
    return this.timed(this.shell, 'execute_request', content);
  }

  /**
   * Runs a cell, then evaluates an expression whose value is JSON.
   * @throws {Error} if the cell or the expression fails
   */
  async valueAfter(code: string, expression: string): Promise<unknown> {
    const content = {
      code,
      silent: false,
      store_history: true,
      allow_stdin: false,
      user_expressions: { value: expression },
    };
    const { evalue, user_expressions } = (await this.request(
      this.shell,
      'execute_request',
      content,
    )) as { evalue?: string; user_expressions?: { value: Answer } };
    const text = user_expressions?.value.data?.['text/plain'];
    if (text === undefined) throw new Error(evalue ?? user_expressions?.value.evalue);
    return JSON.parse(text);
  }

  complete(code: string): Promise<number> {
    return this.timed(this.shell, 'complete_request', { code, cursor_pos: code.length });
  }

  /** Milliseconds from the interrupt to the end of a cell that has run for a while. */
  async interruptAfter(code: string, milliseconds: number): Promise<number> {
    const cell = this.execute(code);
    await sleep(milliseconds);
    const began = performance.now();
    await this.request(this.control, 'interrupt_request', {});
    await cell;
    return performance.now() - began;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
    this.shell.close();
    this.control.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async timed(socket: Dealer, type: string, content: Content): Promise<number> {
    const began = performance.now();
    await this.request(socket, type, content);
    return performance.now() - began;
  }

  private async request(socket: Dealer, type: string, content: Content): Promise<Content> {
    const one = message(type, content);
    const header = { ...one.header, msg_id: randomUUID() };
    const replied = new Promise<Content>((resolve) => this.waiting.set(header.msg_id, resolve));
    await socket.send(frames({ ...one, header }, KEY));
    return replied;
  }

  private async read(socket: Dealer): Promise<void> {
    for await (const parts of socket) {
      const { parent, content } = parseMessage(parts, KEY) ?? {};
      const id = parent?.msg_id;
      if (id === undefined || content === undefined) continue;
      this.waiting.get(id)?.(content);
      this.waiting.delete(id);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
