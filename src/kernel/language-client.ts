/**
 * # Asking the language service
 *
 * Completion, inspection and remarks come from a thread of their own, which takes a second to start
 * and then answers within milliseconds. Until there is an answer there is none: nothing waits for
 * long, and a service that has died is as if it knew nothing.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Language } from './language';
import type { Completion } from './language-completion';
import type { Inspection } from './language-inspection';
import type { Remark } from './language-remarks';

/** What goes to the thread: a method and its arguments. */
export interface LanguageCall {
  readonly id: number;
  readonly method: keyof Language;
  readonly args: unknown[];
}

export class LanguageClient {
  private worker: Worker | undefined;
  private dead = false;
  private readonly waiting = new Map<number, (answer: unknown) => void>();
  private calls = 0;

  /** @param folder the notebook's */
  constructor(private readonly folder: string) {}

  /** Starts the thread, where it does not run. */
  start(): void {
    if (this.worker !== undefined || this.dead) return;
    const entry = path.join(__dirname, 'thread.cjs');
    const workerData = { file: path.join(__dirname, 'language-worker.ts'), folder: this.folder };
    this.worker = new Worker(entry, { workerData });
    this.worker.unref();
    this.worker.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
      this.waiting.get(id)?.(answer);
      this.waiting.delete(id);
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

  async remarks(code: string, cells: string[]): Promise<Remark[]> {
    return (await this.call<Remark[]>('remarks', [code, cells])) ?? [];
  }

  private call<T>(method: keyof Language, args: unknown[]): Promise<T | undefined> {
    this.start();
    if (this.worker === undefined) return Promise.resolve(undefined);
    const id = ++this.calls;
    this.worker.postMessage({ id, method, args } satisfies LanguageCall);
    return new Promise((resolve) => this.waiting.set(id, resolve as (answer: unknown) => void));
  }

  private end(): void {
    this.dead = true;
    this.worker = undefined;
    for (const resolve of this.waiting.values()) resolve(undefined);
    this.waiting.clear();
  }
}
