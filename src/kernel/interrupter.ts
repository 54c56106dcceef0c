/**
 * # Interrupting
 *
 * The thread that runs cells is asked first, by a message and by a sign in shared memory. Where it
 * hears the message, nothing blocks it: the cell waits for something, and its waits are ended
 * there. Where it computes with tensors, the next operation sees the sign and throws. Where it does
 * neither, V8 ends the execution from here. All is repeated until the cell has ended: it may catch
 * the interrupt and go on.
 *
 * On a busy machine the cell may have ended of itself when V8 does as it was told, and would end
 * what comes next. So the next cell waits until that has happened, and a message is heard again.
 */
import { Session } from 'node:inspector';
import { isWithin, wantStop } from './signal';

/** Milliseconds in which a thread that is free answers. */
const PATIENCE = 40;
/** Milliseconds after which a cell that still runs is interrupted again. */
const AGAIN = 150;
/** Milliseconds between two looks whether all is quiet. */
const LOOK = 5;
/** Milliseconds after which the next cell starts all the same. */
const LONGEST = 3000;

export class Interrupter {
  private session: Session | undefined;
  private cell: string | undefined;
  private wasHeard = false;
  /** Ends of an execution that V8 has not answered yet. */
  private underWay = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param ask posts the message; this class must live on a worker thread */
  constructor(private readonly ask: (cell: string) => void) {}

  /** Ends a cell that runs. */
  interrupt(cell: string): void {
    if (this.cell === cell) return; // under way
    this.cell = cell;
    wantStop(true);
    this.attempt();
  }

  /** The message has arrived. */
  heard(cell: string): void {
    if (this.cell === cell) this.wasHeard = true;
  }

  /**
   * The cell has ended.
   *
   * @param then is called once nothing of the interrupt can reach the next cell
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
      this.session?.disconnect(); // a process with a session waits for it at its end
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
      // A long native call ends first; the operation after it sees the sign.
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
