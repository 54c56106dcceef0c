/**
 * # Which detectors a table has the columns for
 *
 * Detectors read the log-likelihood and squared norms, and some read other features too. If a model
 * does not have what a detector needs, that is not an error: the detector is left out for that
 * model, and the reason is reported.
 */
import { DETECTORS, type FeatureTable } from '../detectors/index';
import { MEAN_LOG_NORM } from './mean-log-norm';
import { POSTERIOR_PARTS } from './posterior-parts';

/** The features that a detector reads besides log-likelihood and squared norms. */
const NEEDS: Partial<Record<keyof typeof DETECTORS, readonly string[]>> = {
  'input complexity': ['complexity-bits'],
  'likelihood ratio': ['background-log-likelihood'],
  'likelihood regret': ['likelihood-regret'],
  DoSE: ['log-prior', 'log-determinant'],
  'DoSE, support': ['log-prior', 'log-determinant'],
  'DoSE of the posterior': POSTERIOR_PARTS,
  'DoSE of the posterior, support': POSTERIOR_PARTS,
  'score statistic + typicality': ['diagonal-fisher-norm'],
  'pixel statistics': ['pixel-statistic'],
  'neighbours of mean log norms and likelihood': [MEAN_LOG_NORM],
  'layer-wise diagonal Fisher norm': ['diagonal-fisher-norm'],
  'multi-timestep score norms': ['score-norm'],
};

/** The features that a detector reads besides log-likelihood and squared norms. */
export function needsOf(method: string): readonly string[] {
  return NEEDS[method as keyof typeof DETECTORS] ?? [];
}

/** Whether any detector reads a feature besides log-likelihood and squared norms. */
export function isNeeded(feature: string): boolean {
  return Object.values(NEEDS).some((needs) => needs.includes(feature));
}

/** The detectors whose columns are in a table, and the others, each with what it lacks. */
export function methodsFor(table: FeatureTable): {
  methods: string[];
  without: { method: string; lacks: string }[];
} {
  const there = new Set(table.columns.map((column) => column.feature));
  const lacking = (method: string) => needsOf(method).filter((feature) => !there.has(feature));
  const all = Object.keys(DETECTORS);
  return {
    methods: all.filter((method) => lacking(method).length === 0),
    without: all.flatMap((method) => {
      const lacks = lacking(method);
      return lacks.length === 0 ? [] : [{ method, lacks: lacks.join(', ') }];
    }),
  };
}
