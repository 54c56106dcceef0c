/**
 * # Names of cells
 *
 * Later cells see what a cell declares, and any of them may declare the name again. V8 then keeps
 * the earlier value although nothing can refer to it by name any more. So the name is cleared
 * before the cell runs. The cell cannot miss the value, because its own declaration hides it.
 */
import type { Inspector } from './inspector';
import { alive, tensorsOf } from './tensors';

/** An earlier value that holds large tensors and whose name is declared again. */
export interface Earlier {
  readonly name: string;
  readonly tensors: ReturnType<typeof tensorsOf>;
}

/** From this many tensors, or numbers in them, it is worth checking whether they are freed. */
const MANY_TENSORS = 20;
const MANY_NUMBERS = 1e6;

export class Names {
  private readonly declared = new Set<string>();

  constructor(private readonly inspector: Inspector) {}

  /**
   * Clears the values that earlier cells gave to the names declared now.
   *
   * @returns the values that are worth running the garbage collector for
   */
  declare(names: readonly string[]): Earlier[] {
    const again = names.filter((name) => this.declared.has(name));
    const earlier = again.map((name) => ({ name, tensors: tensorsOf(this.valueOf(name)) }));
    this.assign(Object.fromEntries(again.map((name) => [name, undefined])));
    this.inspector.forget();
    for (const name of names) this.declared.add(name);
    return earlier.filter(({ tensors }) => isLarge(tensors));
  }

  /** Assigns values to names. */
  assign(values: Readonly<Record<string, unknown>>): void {
    const global = globalThis as { __fisherlabValues?: unknown };
    global.__fisherlabValues = values;
    // A name has no value yet if the cell that declares it failed.
    const assignments = Object.keys(values).map(
      (name) => `try { ${name} = globalThis.__fisherlabValues.${name} } catch {}`,
    );
    if (assignments.length > 0) this.inspector.runNow(assignments.join(';'));
    delete global.__fisherlabValues;
  }

  private valueOf(name: string): unknown {
    const ending = this.inspector.runNow(name);
    return 'value' in ending ? ending.value : undefined;
  }
}

function isLarge(tensors: Earlier['tensors']): boolean {
  const numbers = tensors.reduce((sum, one) => sum + (one.deref()?.size ?? 0), 0);
  return tensors.length >= MANY_TENSORS || numbers >= MANY_NUMBERS;
}

/** The message about earlier values that were not freed. */
export function keptLines(earlier: readonly Earlier[]): string {
  return earlier
    .map(({ name, tensors }) => ({ name, count: alive(tensors) }))
    .filter(({ count }) => count > 0)
    .map(({ name, count }) => {
      const what = count === 1 ? '1 tensor' : `${count} tensors`;
      return `the earlier ${name} is kept with ${what}: something still refers to it\n`;
    })
    .join('');
}
