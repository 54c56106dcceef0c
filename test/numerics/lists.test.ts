import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bootstrapCounts, drawCounts, interval, intervalOf } from '../../src/numerics/intervals';
import { isConstant, mean, unbiasedStd } from '../../src/numerics/moments';
import { countBelow, countUpTo, quantileOfSorted, ranks } from '../../src/numerics/order';

describe('moments of a list', () => {
  it('divide by n, and by n − 1', () => {
    assert.equal(mean([1, 2, 6]), 3);
    assert.ok(Math.abs(unbiasedStd([1, 2, 3, 4]) - Math.sqrt(5 / 3)) < 1e-15);
  });

  it('do not skip NaN', () => {
    assert.ok(Number.isNaN(mean([1, Number.NaN, 2])));
    assert.ok(Number.isNaN(unbiasedStd([1, Number.NaN, 2])));
    assert.ok(Number.isNaN(mean([])));
    assert.ok(Number.isNaN(unbiasedStd([1])));
  });

  it('recognise a constant list, however its mean is rounded', () => {
    assert.ok(isConstant([0.1, 0.1, 0.1]));
    assert.ok(!isConstant([0.1, 0.1, 0.1 + 2 ** -56]));
  });
});

describe('the order of a list', () => {
  const few = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 30 });

  it('has quantiles linear between neighbours', () => {
    assert.equal(quantileOfSorted([0, 10], 0.25), 2.5);
    assert.equal(quantileOfSorted([1, 2, 3], 1), 3);
    assert.equal(quantileOfSorted([1, 2, 3], 0.5), 2);
    assert.ok(Number.isNaN(quantileOfSorted([], 0.5)));
  });

  it('counts the numbers below a number and those up to it', () => {
    fc.assert(
      fc.property(few, fc.integer({ min: -5, max: 5 }), (values, x) => {
        const sorted = Float64Array.from(values).sort();
        assert.equal(countBelow(sorted, x), values.filter((value) => value < x).length);
        assert.equal(countUpTo(sorted, x), values.filter((value) => value <= x).length);
      }),
      { seed: 1 },
    );
  });

  it('ranks from 1 to n, ties sharing their mean: one and half of the others like it, and all below', () => {
    assert.deepEqual([...ranks(Float64Array.of(3, 1, 3, 9))], [2.5, 1, 2.5, 4]);
    fc.assert(
      fc.property(few, (values) => {
        const expected = values.map(
          (x) =>
            values.filter((value) => value < x).length +
            (values.filter((value) => value === x).length + 1) / 2,
        );
        assert.deepEqual([...ranks(Float64Array.from(values))], expected);
      }),
      { seed: 2 },
    );
  });
});

describe('draws of the bootstrap', () => {
  it('are as many as there are things, from all of them, and a function of the seed', () => {
    const counts = drawCounts(1000, 3);
    assert.equal(
      counts.reduce((a, b) => a + b),
      1000,
    );
    assert.deepEqual(drawCounts(1000, 3), counts);
    assert.notDeepEqual(drawCounts(1000, 4), counts);
    // each is left out with probability (1 − 1/n)ⁿ → 1/e; the standard deviation is 0.0098
    const never = counts.filter((count) => count === 0).length / 1000;
    assert.ok(Math.abs(never - Math.exp(-1)) < 0.05, `${never}`);
  });

  it('differ from one resample to the next', () => {
    const counts = bootstrapCounts(50, 4, 7);
    assert.equal(counts.length, 200);
    const resamples = [0, 1, 2, 3].map((r) => [...counts.subarray(50 * r, 50 * (r + 1))]);
    for (const own of resamples) assert.equal(mean(own), 1);
    assert.equal(new Set(resamples.map(String)).size, 4);
  });

  it('give the interval between their 2.5 % and 97.5 % quantiles, ignoring NaN', () => {
    const values = Float64Array.from({ length: 1001 }, (_, i) => (i * 17) % 1001); // 0 … 1000
    const { low, high } = interval(values);
    assert.ok(Math.abs(low - 25) < 1e-9 && Math.abs(high - 975) < 1e-9, `${low} ${high}`);
    assert.deepEqual(intervalOf(3, [...values, Number.NaN]), { value: 3, low, high });
    assert.ok(Number.isNaN(intervalOf(3, []).low));
  });
});
