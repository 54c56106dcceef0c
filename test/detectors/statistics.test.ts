import assert from 'node:assert/strict';
import {
  logGamma,
  logSumExp,
  logTwoSidedP,
  normalCdf,
  quantileOfSorted,
  unbiasedStd,
} from '../../src/detectors/statistics';

/*
 * From scipy 1.17: log(2) + scipy.stats.norm.logsf(z), and scipy.special.gammaln(x).
 */
const LOG_P: [number, number][] = [
  [0.0, 0.0],
  [0.01, -0.008010712884424787],
  [0.5, -0.4827645810336735],
  [1.0, -1.147874464449318],
  [2.0, -3.0900371531220863],
  [2.8, -5.276504866115263],
  [2.9, -5.590911054387473],
  [5.0, -14.371851213428782],
  [10.0, -52.53813796995253],
  [40.0, -803.915294833194],
  [200.0, -20005.52413371763],
];
const LOG_GAMMA: [number, number][] = [
  [0.1, 2.252712651734206],
  [0.5, 0.5723649429247],
  [1.5, -0.12078223763524526],
  [3.5, 1.2009736023470738],
  [14.9, 24.924132002217277],
  [15.0, 25.191221182738683],
  [100.5, 361.43554046777757],
  [1000000.0, 12815504.569147611],
];

function assertClose(value: number, expected: number, tolerance: number, of: string): void {
  assert.ok(
    Math.abs(value - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${of}: ${value} instead of ${expected}`,
  );
}

describe('statistics of a column', () => {
  it("keeps the logarithm of a two-sided p-value exact far into the tail, as scipy's", () => {
    for (const [z, expected] of LOG_P) {
      assertClose(logTwoSidedP(z), expected, 1e-13, `log p of ${z}`);
      assert.equal(logTwoSidedP(-z), logTwoSidedP(z));
    }
  });

  it('has a normal distribution function that is symmetric', () => {
    assert.equal(normalCdf(0), 0.5);
    assertClose(normalCdf(1.959963984540054), 0.975, 1e-14, 'Φ');
    assertClose(normalCdf(-1.3) + normalCdf(1.3), 1, 1e-15, 'sum');
  });

  it("has a log Γ that agrees with scipy's and with factorials", () => {
    for (const [x, expected] of LOG_GAMMA) assertClose(logGamma(x), expected, 1e-13, `log Γ(${x})`);
    assertClose(logGamma(11), Math.log(3628800), 1e-14, 'log 10!');
  });

  it('adds exponentials that are no float64 themselves', () => {
    assertClose(logSumExp([1000, 1000]), 1000 + Math.LN2, 1e-15, 'log sum');
    assert.equal(logSumExp([]), -Infinity);
  });

  it('divides by n − 1 and takes quantiles between neighbours', () => {
    assertClose(unbiasedStd([1, 2, 3, 4]), Math.sqrt(5 / 3), 1e-15, 'std');
    assert.equal(quantileOfSorted([0, 10], 0.25), 2.5);
    assert.equal(quantileOfSorted([1, 2, 3], 1), 3);
  });
});
