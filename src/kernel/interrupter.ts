/**
 * # Interrupting
 *
 * The thread that runs cells is asked first, by a message. Where it hears the message, nothing
 * blocks it: the cell waits for something, and its waits are ended there. Where it does not, it
 * computes, and V8 ends the execution from here; a native call of TensorFlow ends first. Both are
 * repeated until the cell has ended: it may catch the interrupt and go on.
 */
import { Session } from 'node:inspector';

/** Milliseconds in which a thread that is free answers. */
const PATIENCE = 25;
/** Milliseconds after which a cell that still runs is interrupted again. */
const AGAIN = 150;

export class Interrupter {
  private session: Session | undefined;
  private cell: string | undefined;
  private wasHeard = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param ask posts the message; this class must live on a worker thread */
  constructor(private readonly ask: (cell: string) => void) {}

  /** Ends a cell that runs. */
  interrupt(cell: string): void {
    if (this.cell === cell) return; // under way
    this.cell = cell;
    this.attempt();
  }

  /** The message has arrived. */
  heard(cell: string): void {
    if (this.cell === cell) this.wasHeard = true;
  }

  /** The cell has ended. */
  ended(cell: string): void {
    if (this.cell !== cell) return;
    this.cell = undefined;
    clearTimeout(this.timer);
    this.session?.disconnect(); // a process with a session waits for it at its end
    this.session = undefined;
  }

  private attempt(): void {
    const { cell } = this;
    if (cell === undefined) return;
    this.wasHeard = false;
    this.ask(cell);
    this.timer = setTimeout(() => {
      if (!this.wasHeard) this.endExecution();
      this.timer = setTimeout(() => this.attempt(), AGAIN);
    }, PATIENCE);
  }

  private endExecution(): void {
    if (this.session === undefined) {
      this.session = new Session();
      this.session.connectToMainThread();
    }
    this.session.post('Runtime.terminateExecution');
  }
}
