import assert from 'node:assert/strict';
import { type Answers, grade } from '../../src/experiments/exercises';
import { affine } from '../../src/invariance/index';

/** Of each exercise a right answer, and wrong ones with what the student is told. */
type Trial<N extends keyof Answers> = {
  readonly right: Answers[N];
  readonly wrong: readonly [Answers[N], RegExp][];
};

const mean = (v: readonly number[]) => v.reduce((a, b) => a + b, 0) / v.length;
const variance = (v: readonly number[]) =>
  v.reduce((sum, one) => sum + (one - mean(v)) ** 2, 0) / (v.length - 1);
const halved = affine(0.5, 0.1);
const square = (x: number) => x * x;
/** The score with another transform of the norms and another sign. */
const density =
  (of: (f: number) => number, sign = 1): Answers['04'] =>
  (familiar, one) =>
    familiar.reduce((sum, norms, j) => {
      const known = norms.map(of);
      const z = (of(one[j] as number) - mean(known)) / Math.sqrt(variance(known));
      return sum + (sign * square(z)) / 2;
    }, 0);
/** Holm's rule, with or without its never decreasing. */
const stepDown =
  (monotone: boolean): Answers['05'] =>
  (p) => {
    const order = [...p.keys()].sort((a, b) => (p[a] as number) - (p[b] as number));
    const found: number[] = [];
    let last = 0;
    for (const [rank, k] of order.entries()) {
      const here = Math.min(1, (p[k] as number) * (p.length - rank));
      last = monotone ? Math.max(last, here) : here;
      found[k] = last;
    }
    return found;
  };

const TRIALS: { readonly [N in keyof Answers]: Trial<N> } = {
  '01': {
    right: (logP, values) => -logP / (values * Math.log(2)),
    wrong: [
      [(logP, values) => logP / (values * Math.log(2)), /sign is turned/],
      [(logP, values) => -logP / values, /nats per dimension/],
      [(logP) => -logP / Math.log(2), /whole image/],
      [() => 3, /a uniform density has 8 bits\/dim, yours gives 3/],
    ],
  },
  '02': {
    right: halved,
    wrong: [
      [affine(1, 0), /leaves every image as it is/],
      [{ ...halved, inverse: (y) => y.mul(2) }, /does not undo/],
      [{ ...halved, logAbsDetJacobian: (x) => halved.logAbsDetJacobian(x).mul(-1) }, /sign/],
      [{ ...halved, logAbsDetJacobian: (x) => halved.logAbsDetJacobian(x).mul(1 / 12) }, /average/],
      [{ ...halved, logAbsDetJacobian: (x) => halved.logAbsDetJacobian(x).add(1) }, /-8\.3178.*-7/],
    ],
  },
  '03': {
    right: (norms) => (2 * square(mean(norms))) / variance(norms),
    wrong: [
      [(norms) => square(mean(norms)) / variance(norms), /factor 2/],
      [(norms) => (2 * mean(norms)) / Math.sqrt(variance(norms)), /not by the deviation/],
      [(norms) => mean(norms), /divide their size out/],
    ],
  },
  '04': {
    right: density(Math.log),
    wrong: [
      [density(Math.log, -1), /turned round/],
      [density((f) => f), /of logarithms/],
      [(_, one) => Math.log(one[0] as number), /squares, and of logarithms/],
      [(f, one) => density(Math.log)(f.slice(1, 2), one.slice(1, 2)), /ranks batches otherwise/],
      [() => Number.NaN, /not a finite number/],
    ],
  },
  '05': {
    right: stepDown(true),
    wrong: [
      [(p) => p, /nothing is corrected/],
      [(p) => p.map((one) => Math.min(1, one * p.length)), /Bonferroni/],
      [stepDown(false), /must not become smaller/],
      [(p) => p.map((one) => 4 * one), /no p-value is above 1/],
    ],
  },
};

describe('graded exercises', () => {
  for (const [notebook, { right, wrong }] of Object.entries(TRIALS)) {
    const name = notebook as keyof Answers;
    it(`${notebook}: a right answer is accepted, and each wrong one gets a remark on its mistake`, () => {
      assert.deepEqual(grade(name, right), {
        right: true,
        remark: `right: exercise ${notebook} is solved`,
      });
      for (const [answer, remark] of wrong) {
        const verdict = grade(name, answer);
        assert.equal(verdict.right, false);
        assert.match(verdict.remark, remark);
      }
    });
  }

  it('say so when an answer throws', () => {
    const broken = () => {
      throw new Error('not yet');
    };
    assert.match(grade('01', broken).remark, /stops with an error: not yet/);
  });

  it('are one for each notebook, and another name is refused', () => {
    assert.throws(() => grade('06' as '01', () => 0), /notebook '06' has no graded exercise/);
  });
});
