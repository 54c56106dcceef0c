/**
 * Compares tensors number by number and reports *all* that differ, each with the worst index, the
 * two values there, their ratio, and how many of its numbers are off. NaN is never equal to
 * anything, not even to NaN.
 */
export interface Pair {
  readonly name: string;
  readonly actual: ArrayLike<number>;
  readonly expected: ArrayLike<number>;
}

export interface Tolerance {
  /** Allowed share of the expected number itself. */
  readonly relative?: number;
  /** Allowed share of the largest expected number of the same tensor (rounding of sums). */
  readonly ofLargest?: number;
  /** Allowed difference as such. */
  readonly absolute?: number;
}

/** @throws Error with one line for each tensor that differs */
export function assertClose(pairs: readonly Pair[], tolerance: Tolerance = {}): void {
  const lines = pairs.map((pair) => difference(pair, tolerance)).filter((line) => line !== null);
  if (lines.length > 0)
    throw new Error(`${lines.length} of ${pairs.length} tensors differ:\n  ${lines.join('\n  ')}`);
}

/** What is wrong with one tensor, or null. */
export function difference(
  { name, actual, expected }: Pair,
  { relative = 1e-4, ofLargest = 1e-5, absolute = 1e-7 }: Tolerance = {},
): string | null {
  if (actual.length !== expected.length)
    return `${name}: ${actual.length} numbers, expected ${expected.length}`;
  let largest = 0;
  for (let k = 0; k < expected.length; k++)
    largest = Math.max(largest, Math.abs(expected[k] as number));
  let [count, worst, excess] = [0, -1, 0];
  for (let k = 0; k < expected.length; k++) {
    const [a, e] = [actual[k] as number, expected[k] as number];
    const over = Math.abs(a - e) / (relative * Math.abs(e) + ofLargest * largest + absolute);
    if (over <= 1) continue; // false for NaN
    count++;
    if (worst < 0 || Number.isNaN(over) || over > excess) [worst, excess] = [k, over];
  }
  if (count === 0) return null;
  const [a, e] = [actual[worst] as number, expected[worst] as number];
  return `${name}[${worst}]: ${a}, expected ${e}, ratio ${(a / e).toPrecision(6)}; ${count} of ${expected.length} numbers are off`;
}
