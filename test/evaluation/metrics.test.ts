import assert from 'node:assert/strict';
import fc from 'fast-check';
import { auroc, metrics, rank, walk, walkAuroc } from '../../src/evaluation/metrics';
import { normals } from '../../src/numerics/random';

/** The definitions, counted pair by pair and threshold by threshold. */
const bruteForce = {
  auroc(ins: number[], outs: number[]): number {
    let won = 0;
    for (const a of ins) for (const b of outs) won += b > a ? 1 : b === a ? 0.5 : 0;
    return won / (ins.length * outs.length);
  },
  /** True and false alarms at every threshold, from the highest downwards. */
  thresholds(ins: number[], outs: number[]): { found: number; alarms: number }[] {
    const levels = [...new Set([...ins, ...outs])].sort((a, b) => (b > a ? 1 : -1));
    return levels.map((t) => ({
      found: outs.filter((s) => s >= t).length,
      alarms: ins.filter((s) => s >= t).length,
    }));
  },
  aupr(ins: number[], outs: number[]): number {
    let before = 0;
    let sum = 0;
    for (const { found, alarms } of bruteForce.thresholds(ins, outs)) {
      sum += ((found - before) / outs.length) * (found / (found + alarms));
      before = found;
    }
    return sum;
  },
  fpr95(ins: number[], outs: number[]): number {
    const at = bruteForce
      .thresholds(ins, outs)
      .find(({ found }) => found * 100 >= 95 * outs.length);
    return (at as { alarms: number }).alarms / ins.length;
  },
};

/** Scores with many ties, and infinities. */
const scores = fc.array(
  fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constantFrom(Infinity, -Infinity, 0.5)),
  {
    minLength: 1,
    maxLength: 45,
  },
);

function assertNear(a: number, b: number, tolerance = 1e-12): void {
  assert.ok(Math.abs(a - b) <= tolerance, `${a} instead of ${b}`);
}

describe('metrics', () => {
  it('equal those from counting every pair and every threshold, including ties and infinities', () => {
    fc.assert(
      fc.property(scores, scores, (ins, outs) => {
        assertNear(auroc(ins, outs), bruteForce.auroc(ins, outs));
        const { aupr, fpr95 } = metrics(ins, outs);
        assertNear(aupr, bruteForce.aupr(ins, outs));
        assertNear(fpr95, bruteForce.fpr95(ins, outs));
        assertNear(walk(rank(ins, outs)).auroc, walkAuroc(rank(ins, outs)), 0);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('count a batch twice as they would count two equal batches', () => {
    const drawn = Uint32Array.of(2, 0, 1, 1, 2, 0); // of the rows 1, 2, 3 | 2, 3, 4
    const ranking = rank([1, 2, 3], [2, 3, 4]);
    assert.deepEqual(walk(ranking, drawn), metrics([1, 1, 3], [2, 3, 3]));
    assert.equal(walkAuroc(ranking, drawn), auroc([1, 1, 3], [2, 3, 3]));
  });

  it('give AUROC Φ(d/√2) for two normals d apart', () => {
    const n = 40000;
    const [ins, outs] = [normals(1, n), normals(2, n).map((x) => x + 1)];
    assertNear(auroc(ins, outs), 0.7602499389065233, 0.005); // Φ(1/√2), from scipy
  });

  it('reverse with the scores: AUROC becomes its complement', () => {
    fc.assert(
      fc.property(scores, scores, (ins, outs) => {
        assertNear(auroc(ins, outs) + auroc(outs, ins), 1);
        const flip = (list: number[]) => list.map((s) => -s);
        assertNear(auroc(ins, outs) + auroc(flip(ins), flip(outs)), 1);
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it('agree with scikit-learn on a made example', () => {
    // sklearn.metrics: roc_auc_score, average_precision_score, and roc_curve's first fpr with tpr
    // >= 0.95, for labels 0,0,0,0,1,1,1
    const value = metrics([0.1, 0.4, 0.35, 0.8], [0.4, 0.9, 0.7]);
    assertNear(value.auroc, 0.7916666666666667);
    assertNear(value.aupr, 0.7555555555555555);
    assertNear(value.fpr95, 0.5);
  });

  it('are not defined for one class or NaN, and say so', () => {
    assert.throws(() => auroc([], [1]), /no in-distribution scores/);
    assert.throws(() => auroc([1], []), /no out-of-distribution scores/);
    assert.throws(() => metrics([1, Number.NaN], [1]), /in-distribution score 1 is NaN/);
  });
});
