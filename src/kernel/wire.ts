/**
 * # Encoding of Jupyter messages
 *
 * A message is a list of frames: routing prefixes, a delimiter, a signature, then header, parent
 * header, metadata and content as JSON, then buffers. The signature is the HMAC-SHA256 of the four
 * JSON parts. (Jupyter messaging protocol 5.4, "The wire protocol".)
 */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Reply, Router, XPublisher } from 'zeromq';

export const PROTOCOL = '5.4';
const DELIMITER = Buffer.from('<IDS|MSG>');

/** The contents of Jupyter's connection file. */
export interface Connection {
  readonly transport: string;
  readonly ip: string;
  readonly key: string;
  readonly signature_scheme: string;
  readonly shell_port: number;
  readonly control_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly hb_port: number;
}

export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
  readonly subshell_id?: string;
}

export type Content = Readonly<Record<string, unknown>>;

export interface Message {
  readonly identities: readonly Buffer[];
  readonly header: Header;
  readonly parent: Partial<Header>;
  readonly metadata: Content;
  readonly content: Content;
}

export const readConnection = (file: string): Connection =>
  JSON.parse(readFileSync(file, 'utf8')) as Connection;

/** Reads frames; null if the signature is wrong or the frames are not a message. */
export function parseMessage(frames: readonly Buffer[], key: string): Message | null {
  const at = frames.findIndex((frame) => frame.equals(DELIMITER));
  if (at < 0 || frames.length < at + 6) return null;
  const [signature, ...parts] = frames.slice(at + 1, at + 6) as [Buffer, ...Buffer[]];
  if (key !== '') {
    const right = Buffer.from(sign(parts, key));
    if (right.length !== signature.length || !timingSafeEqual(right, signature)) return null;
  }
  try {
    const [header, parent, metadata, content] = parts.map((part) => JSON.parse(part.toString()));
    return { identities: frames.slice(0, at), header, parent, metadata, content };
  } catch {
    return null;
  }
}

/** Encodes a message as frames. */
export function frames(message: Message, key: string): Buffer[] {
  const { identities, header, parent, metadata, content } = message;
  const parts = [header, parent, metadata, content].map((part) =>
    Buffer.from(JSON.stringify(part)),
  );
  const signature = Buffer.from(key === '' ? '' : sign(parts, key));
  return [...identities, DELIMITER, signature, ...parts];
}

function sign(parts: readonly Buffer[], key: string): string {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}

const SESSION = randomUUID();

/** Makes a message from this kernel. */
export function message(
  type: string,
  content: Content,
  to: { parent?: Message | undefined; identities?: readonly Buffer[] } = {},
): Message {
  const { parent } = to;
  const header: Header = {
    msg_id: randomUUID(),
    msg_type: type,
    session: parent?.header.session ?? SESSION,
    username: parent?.header.username ?? 'kernel',
    date: new Date().toISOString(),
    version: PROTOCOL,
  };
  const identities = to.identities ?? [];
  return { identities, header, parent: parent?.header ?? {}, metadata: {}, content };
}

export type Channel = 'shell' | 'control' | 'stdin';

/**
 * The five sockets of a kernel. A socket sends one message at a time and queues any number of them,
 * so nothing is dropped if the other side is slow.
 */
export class Sockets {
  private readonly routers: Record<Channel, Router>;
  private readonly iopub = new XPublisher({ sendHighWaterMark: 0, linger: 1000 });
  private readonly heartbeat = new Reply({ linger: 0 });
  private readonly queues = new Map<Router | XPublisher, Promise<void>>();

  constructor(private readonly connection: Connection) {
    const router = () =>
      new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 1000 });
    this.routers = { shell: router(), control: router(), stdin: router() };
    this.routers.stdin.mandatory = true; // fail if a question cannot be delivered
  }

  /** Binds all sockets, then gives every message to `receive`. */
  async open(receive: (channel: Channel, message: Message) => void): Promise<void> {
    const { transport, ip, key, ...ports } = this.connection;
    const address = (port: number) =>
      `${transport}://${ip}${transport === 'ipc' ? '-' : ':'}${port}`;
    await Promise.all([
      this.iopub.bind(address(ports.iopub_port)),
      this.routers.shell.bind(address(ports.shell_port)),
      this.routers.control.bind(address(ports.control_port)),
      this.routers.stdin.bind(address(ports.stdin_port)),
      this.heartbeat.bind(address(ports.hb_port)),
    ]);
    for (const channel of ['shell', 'control', 'stdin'] as const)
      void this.read(channel, key, receive);
    void this.welcome(key);
    void this.echo();
  }

  send(channel: Channel, one: Message): void {
    this.enqueue(this.routers[channel], frames(one, this.connection.key));
  }

  publish(one: Message): void {
    const topic = Buffer.from(one.header.msg_type);
    this.enqueue(this.iopub, frames({ ...one, identities: [topic] }, this.connection.key));
  }

  /**
   * Sends the waiting messages, then closes. The thread must not end earlier, or the process would
   * abort.
   */
  async close(): Promise<void> {
    await Promise.all(this.queues.values());
    for (const socket of [...Object.values(this.routers), this.iopub, this.heartbeat])
      socket.close();
  }

  private enqueue(socket: Router | XPublisher, what: Buffer[]): void {
    const before = this.queues.get(socket) ?? Promise.resolve();
    // A client that is gone misses this message; the next ones are still sent.
    const sent = before.then(() => patiently(() => socket.send(what))).catch(() => {});
    this.queues.set(socket, sent);
  }

  private async read(
    channel: Channel,
    key: string,
    receive: (channel: Channel, message: Message) => void,
  ): Promise<void> {
    for await (const parts of this.routers[channel]) {
      const one = parseMessage(parts, key);
      if (one !== null) receive(channel, one);
    }
  }

  /** Tells new subscribers that from now on they miss nothing (JEP 65). */
  private async welcome(key: string): Promise<void> {
    for await (const [frame] of this.iopub) {
      if (frame === undefined || frame[0] !== 1) continue;
      const subscription = frame.subarray(1).toString();
      const one = message('iopub_welcome', { subscription });
      this.enqueue(this.iopub, frames({ ...one, identities: [Buffer.from(subscription)] }, key));
    }
  }

  private async echo(): Promise<void> {
    for await (const parts of this.heartbeat) await this.heartbeat.send(parts);
  }
}

/**
 * Retries for a while, because a client may open the channel for answers after the one for
 * requests.
 */
async function patiently(send: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await send();
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EHOSTUNREACH' || tries === 100) throw error;
      await sleep(20);
    }
  }
}
