import assert from 'node:assert/strict';
import { pairedBootstrap, type Scores } from '../../src/evaluation/bootstrap';
import { compareScores, correct, type ScoredPair } from '../../src/evaluation/compare';
import { normals } from '../../src/numerics/random';

/** Scores of normal batches `apart` apart; `noise` of a detector's own on top. */
function scores(seed: number, apart: number, noise = 0, own = 0): Scores {
  const side = (k: number, centre: number) => {
    const extra = normals(own + k, 200);
    return normals(seed + k, 200).map((x, i) => centre + x + noise * (extra[i] as number));
  };
  return { in: side(0, 0), out: side(1, apart) };
}

function pair(seed: number, candidates: Record<string, Scores>, out = `out ${seed}`): ScoredPair {
  return { in: 'in', out, reference: scores(seed, 1), candidates };
}

describe('comparing candidates with a reference', () => {
  it('calls a clear gain a win, a clear loss a loss and a detector like the reference a draw', () => {
    const pairs = [100, 200, 300].map((seed) =>
      pair(seed, {
        better: scores(seed, 2),
        same: scores(seed, 1, 0.1, seed + 5000),
        worse: scores(seed, 0.2),
      }),
    );
    const [better, same, worse] = compareScores(pairs, { seed: 1, resamples: 300 });
    assert.deepEqual(
      [better?.candidate, better?.wins, better?.draws, better?.losses],
      ['better', 3, 0, 0],
    );
    assert.deepEqual([same?.wins, same?.draws, same?.losses], [0, 3, 0]);
    assert.deepEqual([worse?.wins, worse?.draws, worse?.losses], [0, 0, 3]);
    assert.deepEqual(
      [better?.mean.verdict, same?.mean.verdict, worse?.mean.verdict],
      ['win', 'draw', 'loss'],
    );
  });

  it('gives each pair the interval of the paired bootstrap', () => {
    const only = pair(100, { a: scores(100, 1.3, 0.5, 7) });
    const [comparison] = compareScores([only], { seed: 4, resamples: 200 });
    const margin = comparison?.pairs[0];
    const expected = pairedBootstrap(only.candidates.a as Scores, only.reference, {
      seed: 4,
      resamples: 200,
      inName: 'in',
      outName: 'out 100',
    });
    assert.deepEqual({ value: margin?.value, low: margin?.low, high: margin?.high }, expected);
    assert.equal((margin?.candidate as number) - (margin?.reference as number), expected.value);
    assert.deepEqual(
      [comparison?.mean.low, comparison?.mean.high],
      [expected.low, expected.high],
      'the mean of one pair is that pair',
    );
  });

  it('does not treat pairs that share images as independent', () => {
    const made = (out: string) => pair(100, { a: scores(100, 1.3, 0.5, 7) }, out);
    const width = (pairs: ScoredPair[]) => {
      const [comparison] = compareScores(pairs, { seed: 4, resamples: 300 });
      return (comparison?.mean.high as number) - (comparison?.mean.low as number);
    };
    const one = width([made('x')]);
    assert.equal(
      width([made('x'), made('x'), made('x'), made('x')]),
      one,
      'the same pair four times tells nothing new',
    );
    const shared = width([made('x'), made('y'), made('z'), made('w')]);
    assert.ok(
      shared > 0.55 * one && shared < 0.95 * one,
      `only the out sets differ: ${shared / one}, independent pairs would be 0.5`,
    );
  });

  it('calls luck a win in about a share α of all experiments, not of all candidates', () => {
    let called = 0;
    for (let k = 0; k < 100; k++) {
      // Ten candidates as good as the reference, but for noise of their own.
      const noisy = (own: number) => scores(10 * k, 1, 0.5, 100_000 + 1000 * k + 10 * own);
      const candidates = Object.fromEntries(
        Array.from({ length: 10 }, (_, c) => [`c${c}`, noisy(c + 1)]),
      );
      const only = { ...pair(10 * k, candidates), reference: noisy(50) };
      if (
        compareScores([only], { seed: k, resamples: 100 }).some(
          ({ wins, losses }) => wins + losses > 0,
        )
      )
        called++;
    }
    // Binomial(100, 0.05) is above 12 with probability 0.001; uncorrected, more than a quarter of
    // all tries would call one.
    assert.ok(called <= 12, `${called} of 100`);
  });

  it('counts candidates that were given up', () => {
    const only = pair(100, { a: scores(100, 1.25, 0.3, 7) });
    const p = (tried: number) =>
      compareScores([only], { seed: 1, resamples: 300, tried })[0]?.pairs[0]?.p as number;
    assert.ok(Math.abs(p(5) - Math.min(1, 5 * p(1))) < 1e-15);
    assert.throws(
      () => compareScores([only], { seed: 1, tried: 0 }),
      /1 candidates are compared but only 0/,
    );
  });

  it('does not claim more than resampling can show if detectors separate perfectly', () => {
    const flat = (value: number) => ({ in: [0, 0, 0], out: [value, value, value] });
    const only = { in: 'in', out: 'out', reference: flat(-1), candidates: { a: flat(1) } };
    const [comparison] = compareScores([only], { seed: 1, resamples: 99 });
    assert.equal(comparison?.pairs[0]?.p, 0.01);
  });

  it('refuses pairs without candidates or with different ones', () => {
    const a = scores(1, 1);
    assert.throws(() => compareScores([], { seed: 1 }), /no pairs/);
    assert.throws(() => compareScores([pair(1, {})], { seed: 1 }), /no candidates/);
    assert.throws(
      () => compareScores([pair(1, { a }), pair(2, { b: a })], { seed: 1 }),
      /has the candidates b where others have a/,
    );
  });
});

describe('corrections for many tests', () => {
  it("are Bonferroni's and Holm's", () => {
    // By hand, and as R's p.adjust(c(0.01, 0.04, 0.03, 0.005), 'holm') gives: 0.03 0.06 0.06 0.02.
    const p = [0.01, 0.04, 0.03, 0.005];
    const near = (list: number[], expected: number[]) =>
      list.forEach((value, i) => {
        assert.ok(Math.abs(value - (expected[i] as number)) < 1e-15, `${list}`);
      });
    near(correct(p, 4, 'holm'), [0.03, 0.06, 0.06, 0.02]);
    near(correct(p, 4, 'bonferroni'), [0.04, 0.16, 0.12, 0.02]);
    near(correct([0.5, 0.9], 2, 'bonferroni'), [1, 1]);
    near(correct([0.01], 5, 'holm'), [0.05]);
  });
});
