/**
 * # Asking the language service
 *
 * Completion, inspection and remarks come from a separate thread, which takes a second to start and
 * then answers within milliseconds. Requests wait only briefly; without an answer in time, or if
 * the service has died, the answer is empty.
 *
 * The thread gets one call at a time. Calls that a person waits for come first: completion and
 * inspection before remarks, and remarks before reading executed cells.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Language } from './language';
import type { Completion } from './language-completion';
import type { Inspection } from './language-inspection';
import type { Remark } from './language-remarks';

/** A call to the thread: a method and its arguments. */
export interface LanguageCall {
  readonly method: keyof Language;
  readonly args: unknown[];
}

interface Waiting extends LanguageCall {
  answer(given: unknown): void;
}

/** The order in which waiting calls are made. */
const ORDER: readonly (keyof Language)[] = ['complete', 'inspect', 'remarks', 'read'];

export class LanguageClient {
  private worker: Worker | undefined;
  private dead = false;
  private waiting: Waiting[] = [];
  private running: Waiting | undefined;

  /** @param folder of the notebook */
  constructor(private readonly folder: string) {}

  /** Whether the thread has been started. */
  get started(): boolean {
    return this.worker !== undefined;
  }

  /** Starts the thread if it is not running. */
  start(): void {
    if (this.worker !== undefined || this.dead) return;
    const entry = path.join(__dirname, 'thread.cjs');
    const workerData = { file: path.join(__dirname, 'language-worker.ts'), folder: this.folder };
    this.worker = new Worker(entry, { workerData });
    this.worker.unref();
    this.worker.on('message', (answer: unknown) => {
      this.running?.answer(answer);
      this.running = undefined;
      this.next();
    });
    this.worker.on('error', () => this.end());
  }

  async complete(code: string, cursor: number, cells: string[]): Promise<Completion> {
    const answer = await this.call<Completion>('complete', [code, cursor, cells]);
    return answer ?? { matches: [], cursorStart: cursor, cursorEnd: cursor };
  }

  async inspect(
    code: string,
    cursor: number,
    detail: number,
    cells: string[],
  ): Promise<Inspection> {
    const answer = await this.call<Inspection>('inspect', [code, cursor, detail, cells]);
    return answer ?? { found: false, data: {} };
  }

  /**
   * The remarks on a cell. Afterwards the service has read the cell, so requests for the next one
   * are fast.
   */
  async remarks(code: string, cells: string[]): Promise<Remark[]> {
    const remarks = this.call<Remark[]>('remarks', [code, cells]);
    // Only the latest state has to be read.
    this.waiting = this.waiting.filter(({ method }) => method !== 'read');
    void this.call('read', [[...cells, code]]);
    return (await remarks) ?? [];
  }

  private call<T>(method: keyof Language, args: unknown[]): Promise<T | undefined> {
    this.start();
    if (this.worker === undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.waiting.push({ method, args, answer: resolve as (given: unknown) => void });
      this.next();
    });
  }

  private next(): void {
    if (this.running !== undefined || this.worker === undefined) return;
    const turns = ORDER.map((wanted) => this.waiting.findIndex(({ method }) => method === wanted));
    const turn = turns.find((at) => at >= 0);
    if (turn === undefined) return;
    const [call] = this.waiting.splice(turn, 1) as [Waiting];
    this.running = call;
    const { method, args } = call;
    this.worker.postMessage({ method, args } satisfies LanguageCall);
  }

  private end(): void {
    this.dead = true;
    this.worker = undefined;
    for (const call of [this.running, ...this.waiting]) call?.answer(undefined);
    this.running = undefined;
    this.waiting = [];
  }
}
