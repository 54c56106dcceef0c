/**
 * # Errors a person can act on
 *
 * Everything that can go wrong through *input* (a file, a name, a shape, a number) ends in a
 * `FisherlabError`: one line that names the thing and how to fix it. The command line prints that
 * line and exits with 1; anything else is a defect and keeps its stack.
 */
export class FisherlabError extends Error {
  /**
   * @param problem what is wrong, naming the thing: "data set 'cifar11' is not known"
   * @param fix what to do about it: "choose one of cifar10, mnist"
   */
  constructor(problem: string, fix: string) {
    super(`${problem}; ${fix}`);
    this.name = 'FisherlabError';
  }
}

/**
 * Checks that `value` is a whole number from `least` to `most`. `what` is what to call it: "chunk".
 * @throws {FisherlabError} if it is not
 */
export function assertWhole(
  what: string,
  value: number,
  { least = 1, most = Number.MAX_SAFE_INTEGER }: { least?: number; most?: number } = {},
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw new FisherlabError(`${what} is ${value}`, `give a whole number ${range}`);
}

/**
 * Checks that `name` is one of `known`. `kind` is what to call it: "data set", "model".
 * @throws {FisherlabError} if it is not, listing what is known
 */
export function assertKnown<T extends string>(
  kind: string,
  name: string,
  known: readonly T[],
): asserts name is T {
  if (!(known as readonly string[]).includes(name)) {
    throw new FisherlabError(`${kind} '${name}' is not known`, `choose one of ${known.join(', ')}`);
  }
}
