/**
 * # The kernel as Jupyter speaks to it
 *
 * Runs on a thread of its own, so that heartbeat, interrupt, completion and inspection are answered
 * while a cell computes. Cells run one after the other on the main thread (`evaluate.ts`). What
 * they show arrives here as events, and goes out under the request it belongs to, whenever that
 * happens. (Jupyter messaging protocol 5.4.)
 */
import { CellSyntaxError, completeness, prepareCell } from './cell';
import { toCodePoints, toUtf16 } from './cursor';
import { History } from './history';
import { Interrupter } from './interrupter';
import type { LanguageClient } from './language-client';
import { LANGUAGE_INFO } from './language-info';
import type { CellEvent, Command, ShownError } from './messages';
import { shownError } from './shown-error';
import { TextCollector } from './text-collector';
import { type Channel, type Content, type Message, message, PROTOCOL, type Sockets } from './wire';

const { version } = require('../../package.json') as { version: string };

const KERNEL_INFO = {
  status: 'ok',
  protocol_version: PROTOCOL,
  implementation: 'fisherlab',
  implementation_version: version,
  language_info: LANGUAGE_INFO,
  banner: `fisherlab ${version} · TypeScript on Node ${process.versions.node}`,
  debugger: false,
  supported_features: [],
  help_links: [],
};

/** Milliseconds without a cell after which the language service starts. */
const IDLE = 1000;

export class Protocol {
  private readonly history = new History();
  private readonly requests = new Map<string, Message>();
  private readonly interrupter: Interrupter;
  private queue: Message[] = [];
  private running: { readonly request: Message; readonly number: number } | undefined;
  private count = 0;
  /** Remarks that wait for the language service, which starts once nothing runs. */
  private remarksLater: (() => void)[] = [];
  private idle: NodeJS.Timeout | undefined;
  private readonly texts = new TextCollector((cell, name, text) =>
    this.publish('stream', { name, text }, cell),
  );

  /**
   * @param command to the thread that runs cells
   * @param end is called once the kernel is asked to go, with all answers sent
   */
  constructor(
    private readonly sockets: Sockets,
    private readonly language: LanguageClient,
    private readonly command: (command: Command) => void,
    private readonly end: () => void,
  ) {
    this.interrupter = new Interrupter((cell) => command({ type: 'interrupt', cell }));
  }

  /** Says that the kernel is there. */
  started(): void {
    this.sockets.publish(message('status', { execution_state: 'starting' }));
    this.startLanguageSoon();
  }

  private startLanguageSoon(): void {
    if (this.language.started) return;
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      if (this.running !== undefined) return; // with the end of that cell
      this.language.start();
      for (const remark of this.remarksLater.splice(0)) remark();
    }, IDLE);
  }

  // --- Requests ----------------------------------------------------------------------------------

  receive(channel: Channel, request: Message): void {
    const type = request.header.msg_type;
    if (channel === 'stdin') {
      if (type === 'input_reply') this.answerInput(request);
    } else if (type === 'execute_request') {
      this.queue.push(request);
      void this.next();
    } else void this.answer(channel, request);
  }

  private async answer(channel: Channel, request: Message): Promise<void> {
    const type = request.header.msg_type;
    this.status('busy', request);
    try {
      const content = await this.contentFor(type, request.content);
      if (content !== null) this.reply(channel, request, content);
    } catch (error) {
      const { name, message: text, traceback } = shownError(error, process.cwd());
      this.reply(channel, request, { status: 'error', ename: name, evalue: text, traceback });
    }
    this.status('idle', request);
    // The cell that runs is still what the kernel is busy with.
    if (this.running !== undefined) this.status('busy', this.running.request);
    if (type === 'shutdown_request') this.end();
  }

  private async contentFor(type: string, content: Content): Promise<Content | null> {
    switch (type) {
      case 'kernel_info_request':
        return KERNEL_INFO;
      case 'complete_request':
        return this.complete(String(content.code), Number(content.cursor_pos));
      case 'inspect_request':
        return this.inspect(content);
      case 'is_complete_request': {
        const status = await completeness(String(content.code));
        return status === 'incomplete'
          ? { status, indent: indentOf(String(content.code)) }
          : { status };
      }
      case 'history_request':
        return { status: 'ok', history: this.history.answer(content) };
      case 'comm_info_request':
        return { status: 'ok', comms: {} };
      case 'interrupt_request':
        this.interrupt();
        return { status: 'ok' };
      case 'shutdown_request':
        return { status: 'ok', restart: content.restart === true };
      default:
        return null; // comms, debugging: nothing that this kernel has said it can do
    }
  }

  private async complete(code: string, position: number): Promise<Content> {
    const cells = this.history.sources();
    const { matches, cursorStart, cursorEnd, metadata } = await this.language.complete(
      code,
      toUtf16(code, position),
      cells,
    );
    return {
      status: 'ok',
      matches,
      cursor_start: toCodePoints(code, cursorStart),
      cursor_end: toCodePoints(code, cursorEnd),
      metadata: metadata ?? {},
    };
  }

  private async inspect(content: Content): Promise<Content> {
    const code = String(content.code);
    const { found, data } = await this.language.inspect(
      code,
      toUtf16(code, Number(content.cursor_pos)),
      Number(content.detail_level ?? 0),
      this.history.sources(),
    );
    return { status: 'ok', found, data, metadata: {} };
  }

  private interrupt(): void {
    if (this.running !== undefined) this.interrupter.interrupt(this.running.request.header.msg_id);
  }

  private answerInput(reply: Message): void {
    const cell = this.running?.request.header.msg_id;
    if (cell !== undefined)
      this.command({ type: 'input', cell, text: String(reply.content.value ?? '') });
  }

  // --- Cells -------------------------------------------------------------------------------------

  /** Starts the cell that waits longest, unless one runs. */
  private async next(): Promise<void> {
    const request = this.running === undefined ? this.queue.shift() : undefined;
    if (request === undefined) return;
    const { code, silent = false, store_history: store = true } = request.content;
    const source = String(code);
    if (silent !== true && store === true) this.count++;
    const number = this.count;
    const key = request.header.msg_id;
    this.running = { request, number };
    this.requests.set(key, request);
    this.status('busy', request);
    if (silent !== true)
      this.publish('execute_input', { code: source, execution_count: number }, key);
    const cells = this.history.sources();
    if (silent !== true && store === true) this.history.add(number, source);
    try {
      const prepared = await prepareCell(source, number);
      this.command({ type: 'run', cell: key, prepared, number });
    } catch (error) {
      if (error instanceof CellSyntaxError) error.place = `cell [${number}]`;
      this.done(key, shownError(error, process.cwd()));
      return;
    }
    if (silent === true) return;
    // The service does not start while cells run: they come first.
    if (this.language.started) void this.remark(source, cells, key);
    else this.remarksLater.push(() => void this.remark(source, cells, key));
  }

  /** What the types say of a cell: advice, which never holds it. */
  private async remark(source: string, cells: string[], key: string): Promise<void> {
    const remarks = await this.language.remarks(source, cells);
    if (remarks.length === 0) return;
    const lines = remarks.map(({ line, column, text }) => `${line}:${column} ${text}\n`);
    this.texts.flush();
    this.publish('stream', { name: 'stderr', text: lines.join('') }, key);
  }

  private done(key: string, error?: ShownError): void {
    const { running } = this;
    if (running === undefined || running.request.header.msg_id !== key) return;
    const { request, number } = running;
    this.interrupter.ended(key);
    this.texts.flush();
    const failed = error && {
      ename: error.name,
      evalue: error.message,
      traceback: error.traceback,
    };
    if (failed !== undefined && !this.faults.delete(key)) this.publish('error', failed, key);
    this.reply('shell', request, {
      status: failed === undefined ? 'ok' : 'error',
      execution_count: number,
      ...(failed ?? { user_expressions: {}, payload: this.pages }),
    });
    this.pages = [];
    this.status('idle', request);
    this.running = undefined;
    if (failed !== undefined && request.content.stop_on_error !== false) this.abortQueue();
    this.startLanguageSoon();
    void this.next();
  }

  /** What the running cell has put into the pager. */
  private pages: Content[] = [];
  /** Cells whose fault has been shown already. */
  private readonly faults = new Set<string>();

  private abortQueue(): void {
    const waiting = this.queue;
    this.queue = [];
    for (const request of waiting) {
      this.status('busy', request);
      this.reply('shell', request, { status: 'aborted', execution_count: this.count });
      this.status('idle', request);
    }
  }

  // --- What cells show ---------------------------------------------------------------------------

  event(event: CellEvent): void {
    if (event.type === 'stream') {
      this.texts.add(event.cell, event.name, event.text);
      return;
    }
    if (event.type === 'heard') {
      this.interrupter.heard(event.cell);
      return;
    }
    if (event.type === 'done') {
      this.done(event.cell, event.error);
      return;
    }
    this.texts.flush();
    this.show(event);
  }

  private show(event: Exclude<CellEvent, { type: 'stream' | 'heard' | 'done' }>): void {
    const { cell } = event;
    const request = this.requests.get(cell);
    if (event.type === 'display') {
      const transient = event.id === undefined ? {} : { display_id: event.id };
      const type = event.update ? 'update_display_data' : 'display_data';
      this.publish(type, { data: event.data, metadata: event.metadata, transient }, cell);
    } else if (event.type === 'clear') this.publish('clear_output', { wait: event.wait }, cell);
    else if (event.type === 'page')
      this.pages.push({ source: 'page', data: { 'text/plain': event.text }, start: 0 });
    else if (event.type === 'result') {
      const number = this.running?.number ?? this.count;
      this.history.result(number, event.data['text/plain'] ?? '');
      if (request?.content.silent === true) return;
      const content = { execution_count: number, data: event.data, metadata: event.metadata };
      this.publish('execute_result', content, cell);
    } else if (event.type === 'fault') {
      const { name, message: evalue, traceback } = event.error;
      this.publish('error', { ename: name, evalue, traceback }, cell);
      if (this.running?.request.header.msg_id === cell) this.faults.add(cell);
    } else if (request !== undefined) this.askFor(event, request);
  }

  private askFor(
    { cell, prompt, password }: CellEvent & { type: 'input' },
    request: Message,
  ): void {
    if (request.content.allow_stdin === false) {
      this.command({ type: 'input', cell, text: null });
      return;
    }
    const { identities } = request;
    this.sockets.send(
      'stdin',
      message('input_request', { prompt, password }, { parent: request, identities }),
    );
  }

  private publish(type: string, content: Content, cell: string): void {
    this.sockets.publish(message(type, content, { parent: this.requests.get(cell) }));
  }

  private status(state: 'busy' | 'idle', parent: Message): void {
    this.sockets.publish(message('status', { execution_state: state }, { parent }));
  }

  private reply(channel: Channel, request: Message, content: Content): void {
    const type = request.header.msg_type.replace(/_request$/, '_reply');
    const { identities } = request;
    this.sockets.send(channel, message(type, content, { parent: request, identities }));
  }
}

/** How far the next line of an unfinished cell is indented. */
function indentOf(code: string): string {
  const last =
    code
      .split('\n')
      .filter((line) => line.trim() !== '')
      .at(-1) ?? '';
  const indent = /^\s*/.exec(last)?.[0] ?? '';
  return /[{([]\s*$/.test(last) ? `${indent}  ` : indent;
}
