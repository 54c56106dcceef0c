/**
 * # Results as rows to read
 *
 * Table rows for the notebooks, made from `data/results`: one family's AUROCs in the paper's
 * layout, means of methods over pairs, whether the paper's claim holds here, and a comparison of
 * the two protocols. Every number is read from the files.
 */

import { intervalText as interval } from '../interval-text';
import { labelOf } from '../plots/index';
import { PAPER_BATCH_SIZE, PAPER_TIMESTEPS } from './paper-known';
import type { FamilySummary, Summary } from './summary';

type Row = Record<string, string | number>;

/** The paper's method. */
const PAPER = 'layer-wise gradients';

const resultsOf = ({ methods }: FamilySummary, name: string) =>
  methods.find(({ method }) => method === name);

/**
 * The paper's layout: one row per in-distribution set, one column per out-of-distribution set, one
 * block per method.
 */
export function layoutRows(family: FamilySummary, methods: readonly string[]): Row[] {
  const { sets } = family;
  return methods.flatMap((method) => {
    const auroc = resultsOf(family, method)?.auroc ?? [];
    return sets.flatMap((inside, i): Row[] => {
      if (!auroc[i]?.some((value) => value !== null)) return [];
      const cells = sets.map((out, j) => [labelOf(out), auroc[i]?.[j]?.toFixed(3) ?? '–']);
      return [{ method, 'in ↓ out →': labelOf(inside), ...Object.fromEntries(cells) }];
    });
  });
}

/** Means over pairs, with a row for each method of every family, in the order of `methods`. */
export function meanRows(families: readonly FamilySummary[], methods: readonly string[]): Row[] {
  return families.flatMap((family) =>
    methods.flatMap((name): Row[] => {
      const found = resultsOf(family, name);
      if (found === undefined) return [];
      const { mean, meanAupr, meanFpr95, pairs, against } = found;
      return [
        {
          family: family.family,
          sets: family.kind,
          B: family.batchSize,
          method: name,
          pairs,
          AUROC: mean,
          AUPR: meanAupr,
          'FPR at 95 % TPR': meanFpr95,
          'AUROC above typicality': against === undefined ? '–' : interval(against.mean),
        },
      ];
    }),
  );
}

/**
 * Whether the paper's method is better than typicality on average, as the paper claims, for each
 * family and batch size.
 */
export function claimRows(families: readonly FamilySummary[]): Row[] {
  return families.flatMap((family): Row[] => {
    const found = resultsOf(family, PAPER);
    if (found?.against === undefined) return [];
    const { value, low, high } = found.against.mean;
    const known = family.family === 'diffusion' && family.batchSize === PAPER_BATCH_SIZE;
    return [
      {
        family: family.family,
        B: family.batchSize,
        pairs: found.pairs,
        AUROC: found.mean,
        'above typicality': interval({ value, low, high }, { sign: true }),
        verdict: low > 0 ? 'better' : high < 0 ? 'worse' : 'undecided',
        'in the paper': known ? (PAPER_TIMESTEPS[PAPER][0]?.toFixed(3) ?? '–') : 'not known',
      },
    ];
  });
}

/** The paper's method fitted on half of the test set, and on images held out of training. */
export function protocolRows({ families }: Summary): Row[] {
  return families.flatMap((family): Row[] => {
    const clean = families.find(
      (one) =>
        one.protocol === 'held-out' &&
        one.family === family.family &&
        one.kind === family.kind &&
        one.batchSize === family.batchSize,
    );
    const [halves, heldOut] = [resultsOf(family, PAPER), clean && resultsOf(clean, PAPER)];
    if (family.protocol !== 'halves' || halves === undefined || heldOut === undefined) return [];
    return [
      {
        family: family.family,
        sets: family.kind,
        B: family.batchSize,
        'half the test set': halves.mean,
        'above typicality': halves.against === undefined ? '–' : interval(halves.against.mean),
        'held-out images': heldOut.mean,
        'above typicality ': heldOut.against === undefined ? '–' : interval(heldOut.against.mean),
      },
    ];
  });
}
