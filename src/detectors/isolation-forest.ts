/**
 * # Isolation forest
 *
 * Liu, Ting, Zhou, *Isolation forest* (ICDM 2008). What is unusual is soon alone: cut a random
 * sample of ψ rows at random places of random columns until every row has a cell for itself; the
 * number of cuts h(x) before x is alone is small for an outlier. Over many such trees,
 *
 *     S(x) = 2^(−E h(x)/c(ψ)),   c(n) = 2 H(n−1) − 2 (n−1)/n,
 *
 * where c(n) is the mean depth of an unsuccessful search in a random binary search tree of n keys,
 * and H(i) the i-th harmonic number. Trees stop at depth ⌈log₂ ψ⌉; a cell of m rows that is not cut
 * further counts c(m) cuts more. Scores lie in (0, 1).
 *
 * Used by the authors of arXiv 2403.01485 in earlier experiments, with 1000 trees. The libraries
 * there are for JavaScript take their randomness from `Math.random`, so this is written here: every
 * choice is a function of the seed.
 */
import { deriveSeed, permutation, uniformStream } from '../numerics/index';
import { type Combiner, combine, log } from './combine';
import type { Detector } from './detector';
import type { Column } from './table';

/** A cut of column `column` at `at` (below goes left), or a cell of `size` rows. */
type Tree = { column: number; at: number; left: Tree; right: Tree } | { size: number };

/** c(n): mean depth of an unsuccessful search among n keys. */
export function meanDepth(n: number): number {
  if (n < 2) return 0;
  let harmonic = 0;
  for (let i = n - 1; i >= 1; i--) harmonic += 1 / i;
  return 2 * harmonic - (2 * (n - 1)) / n;
}

/**
 * @param options trees (200) and the rows ψ each of them sees (256, or all if there are fewer); the
 *   seed of all cuts.
 */
export function isolationForest({
  seed,
  trees = 200,
  sampleSize = 256,
}: {
  seed: number;
  trees?: number;
  sampleSize?: number;
}): Combiner {
  return {
    name: 'isolation forest',
    fit(columns) {
      const n = columns[0]?.values.length ?? 0;
      const psi = Math.min(sampleSize, n);
      const limit = Math.ceil(Math.log2(psi));
      const depths = Array.from({ length: psi + 1 }, (_, size) => meanDepth(size));
      const forest = Array.from({ length: trees }, (_, t) => {
        const rows = [...permutation(n, deriveSeed(seed, t, 0)).subarray(0, psi)];
        return grow(columns, rows, limit, uniformStream(deriveSeed(seed, t, 1)));
      });
      return (given) =>
        Float64Array.from({ length: given[0]?.values.length ?? 0 }, (_, row) => {
          const cuts = forest.reduce((sum, tree) => sum + pathLength(tree, given, row, depths), 0);
          return 2 ** (-cuts / trees / (depths[psi] as number));
        });
    },
  };
}

function grow(
  columns: readonly Column[],
  rows: number[],
  depthLeft: number,
  random: () => number,
): Tree {
  if (depthLeft === 0 || rows.length < 2) return { size: rows.length };
  // A random column; where it does not vary among these rows, the next that does.
  const start = Math.floor(random() * columns.length);
  for (let k = 0; k < columns.length; k++) {
    const column = (start + k) % columns.length;
    const values = (columns[column] as Column).values;
    let low = Infinity;
    let high = -Infinity;
    for (const row of rows) {
      low = Math.min(low, values[row] as number);
      high = Math.max(high, values[row] as number);
    }
    if (low === high) continue;
    // In (low, high], so that neither side is empty.
    const at = high - random() * (high - low);
    return {
      column,
      at,
      left: grow(
        columns,
        rows.filter((row) => (values[row] as number) < at),
        depthLeft - 1,
        random,
      ),
      right: grow(
        columns,
        rows.filter((row) => (values[row] as number) >= at),
        depthLeft - 1,
        random,
      ),
    };
  }
  return { size: rows.length };
}

function pathLength(
  root: Tree,
  columns: readonly Column[],
  row: number,
  depths: readonly number[],
): number {
  let tree = root;
  let cuts = 0;
  while ('at' in tree) {
    tree =
      ((columns[tree.column] as Column).values[row] as number) < tree.at ? tree.left : tree.right;
    cuts++;
  }
  return cuts + (depths[tree.size] as number);
}

export function layerwiseIsolationForest(seed: number, feature = 'squared-norm'): Detector {
  return combine([log(feature)], isolationForest({ seed }), 'layer-wise isolation forest');
}
