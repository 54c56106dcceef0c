/**
 * # Names of cells
 *
 * What a cell declares is seen by later ones, and any of them may declare it again. V8 keeps the
 * earlier value then, though nobody can name it any more: so it is taken from the name before the
 * cell runs. The cell cannot miss it, for before its declaration the name has no value there.
 */
import type { Inspector } from './inspector';
import { alive, tensorsOf } from './tensors';

/** An earlier value with tensors of some size, whose name is declared again. */
export interface Earlier {
  readonly name: string;
  readonly tensors: ReturnType<typeof tensorsOf>;
}

/** From so many tensors, or numbers in them, on it is worth looking whether they are freed. */
const MANY_TENSORS = 20;
const MANY_NUMBERS = 1e6;

export class Names {
  private readonly declared = new Set<string>();

  constructor(private readonly inspector: Inspector) {}

  /**
   * Takes the values of earlier cells from the names that are declared now.
   *
   * @returns those that are worth the garbage collector's time
   */
  declare(names: readonly string[]): Earlier[] {
    const again = names.filter((name) => this.declared.has(name));
    const earlier = again.map((name) => ({ name, tensors: tensorsOf(this.valueOf(name)) }));
    this.assign(Object.fromEntries(again.map((name) => [name, undefined])));
    this.inspector.forget();
    for (const name of names) this.declared.add(name);
    return earlier.filter(({ tensors }) => isLarge(tensors));
  }

  /** Gives values to names. */
  assign(values: Readonly<Record<string, unknown>>): void {
    const global = globalThis as { __fisherlabValues?: unknown };
    global.__fisherlabValues = values;
    // A name may have no value yet, where the cell that declares it failed.
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

/** What a cell says of the earlier values that have not gone. */
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
