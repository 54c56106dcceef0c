/**
 * # The kernel as Jupyter speaks to it
 *
 * Runs on its own thread, so that heartbeat, interrupt, completion and inspection are answered
 * while a cell computes. Cells run one after another on the main thread (`evaluate.ts`). What they
 * show arrives here as events and is sent out under the request it belongs to, even if that request
 * has ended. (Jupyter messaging protocol 5.4.)
 */
import { Answers } from './answers';
import { CellSyntaxError, prepareCell } from './cell';
import { History } from './history';
import { Interrupter } from './interrupter';
import type { LanguageClient } from './language-client';
import type { Answered, CellEvent, Command, ShownError } from './messages';
import { shownError } from './shown-error';
import { TextCollector } from './text-collector';
import { type Channel, type Content, type Message, message, type Sockets } from './wire';

/** The running cell. */
interface Running {
  readonly request: Message;
  readonly number: number;
  /** The time it was started. */
  readonly since: number;
}

/** Milliseconds that a message may take. */
const ON_THE_WAY = 30;
/** Milliseconds without a cell after which the language service starts. */
const IDLE = 1000;

export class Protocol {
  private readonly history = new History();
  private readonly requests = new Map<string, Message>();
  private readonly answers: Answers;
  private readonly interrupter: Interrupter;
  private queue: Message[] = [];
  private running: Running | undefined;
  private count = 0;
  /** Remarks that wait for the language service, which starts when no cell is running. */
  private remarksLater: (() => void)[] = [];
  private idle: NodeJS.Timeout | undefined;
  private readonly texts = new TextCollector((cell, name, text) =>
    this.publish('stream', { name, text }, cell),
  );

  /**
   * @param command sends a command to the thread that runs cells
   * @param end is called when the kernel is asked to stop and all answers are sent
   */
  constructor(
    private readonly sockets: Sockets,
    private readonly language: LanguageClient,
    private readonly command: (command: Command) => void,
    private readonly end: () => void,
  ) {
    this.answers = new Answers(language, this.history);
    this.interrupter = new Interrupter((cell) => command({ type: 'interrupt', cell }));
  }

  /** Announces that the kernel is ready. */
  started(): void {
    this.sockets.publish(message('status', { execution_state: 'starting' }));
    this.startLanguageSoon();
  }

  private startLanguageSoon(): void {
    if (this.language.started) return;
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      if (this.running !== undefined) return; // called again when that cell ends
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
      if (type === 'interrupt_request') this.interrupt();
      const content = await this.answers.to(type, request.content);
      if (content !== null) this.reply(channel, request, content);
    } catch (error) {
      const { name, message: text, traceback } = shownError(error, process.cwd());
      this.reply(channel, request, { status: 'error', ename: name, evalue: text, traceback });
    }
    this.status('idle', request);
    // The kernel is still busy with the running cell.
    if (this.running !== undefined) this.status('busy', this.running.request);
    if (type === 'shutdown_request') this.end();
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

  /** Starts the cell that has waited longest, unless one is running. */
  private async next(): Promise<void> {
    const request = this.running === undefined ? this.queue.shift() : undefined;
    if (request === undefined) return;
    const { code, silent = false, store_history: store = true } = request.content;
    const source = String(code);
    if (silent !== true && store === true) this.count++;
    const number = this.count;
    const key = request.header.msg_id;
    this.running = { request, number, since: Date.now() };
    this.requests.set(key, request);
    this.status('busy', request);
    if (silent !== true)
      this.publish('execute_input', { code: source, execution_count: number }, key);
    const cells = this.history.sources();
    if (silent !== true && store === true) this.history.add(number, source);
    try {
      const prepared = await prepareCell(source, number);
      const expressions = (request.content.user_expressions ?? {}) as Record<string, string>;
      this.command({ type: 'run', cell: key, prepared, number, expressions });
    } catch (error) {
      if (error instanceof CellSyntaxError) error.place = `cell [${number}]`;
      this.done(key, shownError(error, process.cwd()));
      return;
    }
    if (silent === true) return;
    // Cells come first, so the service does not start while they run.
    if (this.language.started) void this.remark(source, cells, key);
    else this.remarksLater.push(() => void this.remark(source, cells, key));
  }

  /** Sends the type checker's remarks on a cell. They are advice and never delay the cell. */
  private async remark(source: string, cells: string[], key: string): Promise<void> {
    const remarks = await this.language.remarks(source, cells);
    if (remarks.length === 0) return;
    const lines = remarks.map(({ line, column, text }) => `${line}:${column} ${text}\n`);
    this.texts.flush();
    this.publish('stream', { name: 'stderr', text: lines.join('') }, key);
  }

  private done(
    key: string,
    error?: ShownError,
    answers: Readonly<Record<string, Answered>> = {},
  ): void {
    const { running } = this;
    if (running === undefined || running.request.header.msg_id !== key) return;
    this.texts.flush();
    const failed = error && {
      ename: error.name,
      evalue: error.message,
      traceback: error.traceback,
    };
    if (failed !== undefined && !this.faults.delete(key)) this.publish('error', failed, key);
    // If a cell fails at once, the cells sent together with it may not have arrived yet.
    const wait = failed !== undefined && Date.now() - running.since < ON_THE_WAY;
    const conclude = () => this.conclude(running, failed, answers);
    this.interrupter.ended(key, () => (wait ? setTimeout(conclude, ON_THE_WAY) : conclude()));
  }

  private conclude(
    { request, number }: Running,
    failed: Content | undefined,
    answers: Readonly<Record<string, Answered>>,
  ): void {
    this.reply('shell', request, {
      status: failed === undefined ? 'ok' : 'error',
      execution_count: number,
      ...(failed ?? { user_expressions: answers, payload: this.pages }),
    });
    this.pages = [];
    this.status('idle', request);
    this.running = undefined;
    if (failed !== undefined && request.content.stop_on_error !== false) this.abortQueue();
    this.startLanguageSoon();
    void this.next();
  }

  /** What the running cell has sent to the pager. */
  private pages: Content[] = [];
  /** Cells whose fault has been shown already. */
  private readonly faults = new Set<string>();

  private abortQueue(): void {
    const waiting = this.queue;
    this.queue = [];
    for (const request of waiting) {
      this.status('busy', request);
      // Without a number, because it would appear next to a cell that has not run.
      this.reply('shell', request, { status: 'aborted' });
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
      this.done(event.cell, event.error, event.expressions);
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
