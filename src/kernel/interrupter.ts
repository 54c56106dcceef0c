/**
 * # Interrupting
 *
 * The thread that runs cells is asked first, by a message and by a flag in shared memory. If it
 * receives the message, it is not blocked: the cell is waiting for something, and its waits are
 * ended. If it is computing with tensors, the next operation sees the flag and throws. Otherwise V8
 * ends the execution from here. All this is repeated until the cell has ended, because a cell may
 * catch the interrupt and continue.
 *
 * On a busy machine the cell may end by itself before V8 acts, and V8 would then end the next cell
 * instead. So the next cell waits until V8 has acted and messages are received again.
 */
import { Session } from 'node:inspector';
import { isWithin, wantStop } from './signal';

/** Milliseconds within which an unblocked thread answers. */
const PATIENCE = 40;
/** Milliseconds after which a cell that is still running is interrupted again. */
const AGAIN = 150;
/** Milliseconds between two checks. */
const LOOK = 5;
/** Milliseconds after which the next cell starts in any case. */
const LONGEST = 3000;

export class Interrupter {
  private session: Session | undefined;
  private cell: string | undefined;
  private wasHeard = false;
  /** The number of requests to end an execution that V8 has not answered yet. */
  private underWay = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param ask posts the message; this class must live on a worker thread */
  constructor(private readonly ask: (cell: string) => void) {}

  /** Interrupts a running cell. */
  interrupt(cell: string): void {
    if (this.cell === cell) return; // under way
    this.cell = cell;
    wantStop(true);
    this.attempt();
  }

  /** Called when the thread has received the message. */
  heard(cell: string): void {
    if (this.cell === cell) this.wasHeard = true;
  }

  /**
   * Called when the cell has ended.
   *
   * @param then is called once the interrupt can no longer affect the next cell
   */
  ended(cell: string, then: () => void): void {
    if (this.cell !== cell) {
      then();
      return;
    }
    wantStop(false);
    clearTimeout(this.timer);
    const last = Date.now() + LONGEST;
    const look = () => {
      if (!(this.wasHeard && this.underWay === 0) && Date.now() < last) {
        this.ask(cell);
        this.timer = setTimeout(look, LOOK);
        return;
      }
      this.cell = undefined;
      this.underWay = 0;
      this.session?.disconnect(); // an open session would keep the process from ending
      this.session = undefined;
      then();
    };
    this.wasHeard = false;
    look();
  }

  private attempt(): void {
    const { cell } = this;
    if (cell === undefined) return;
    this.wasHeard = false;
    this.ask(cell);
    this.timer = setTimeout(() => {
      // A long native call finishes first; the operation after it sees the flag.
      if (!this.wasHeard && !isWithin()) this.endExecution();
      this.timer = setTimeout(() => this.attempt(), AGAIN);
    }, PATIENCE);
  }

  private endExecution(): void {
    if (this.session === undefined) {
      this.session = new Session();
      this.session.connectToMainThread();
    }
    const { session } = this;
    this.underWay++;
    session.post('Runtime.terminateExecution', () => {
      if (this.session === session) this.underWay--;
    });
  }
}
