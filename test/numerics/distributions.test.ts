import assert from 'node:assert/strict';
import { chiSquareQuantile, logGamma, lowerGamma } from '../../src/numerics/gamma';
import { logTwoSidedP, normalQuantile } from '../../src/numerics/normal';

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

describe('tails and gamma functions', () => {
  it("keeps the logarithm of a two-sided p-value exact far into the tail, as scipy's", () => {
    for (const [z, expected] of LOG_P) {
      assertClose(logTwoSidedP(z), expected, 1e-13, `log p of ${z}`);
      assert.equal(logTwoSidedP(-z), logTwoSidedP(z));
    }
  });

  it("has a log Γ that agrees with scipy's, with factorials and with Stirling's series", () => {
    for (const [x, expected] of LOG_GAMMA) assertClose(logGamma(x), expected, 1e-13, `log Γ(${x})`);
    assert.equal(logGamma(1), 0);
    assertClose(logGamma(11), Math.log(3628800), 1e-14, 'log 10!');
    const d = 784;
    const stirling =
      d * Math.log(d) - d + 0.5 * Math.log(2 * Math.PI * d) + 1 / (12 * d) - 1 / (360 * d ** 3);
    assertClose(logGamma(d + 1), stirling, 1e-13, 'log 784!');
  });
});

describe('quantiles of distributions', () => {
  it('of χ² are those of tables', () => {
    // R: qchisq(c(0.05, 0.5, 0.95, 0.99), df) for df = 1, 4, 30.
    const table: [number, number[]][] = [
      [1, [0.00393214, 0.4549364, 3.841459, 6.634897]],
      [4, [0.710723, 3.356694, 9.487729, 13.2767]],
      [30, [18.49266, 29.33603, 43.77297, 50.89218]],
    ];
    for (const [df, expected] of table) {
      [0.05, 0.5, 0.95, 0.99].forEach((p, i) => {
        assert.ok(
          Math.abs(chiSquareQuantile(p, df) / (expected[i] as number) - 1) < 1e-5,
          `df ${df}, p ${p}`,
        );
      });
    }
  });

  it('of χ² with 2 degrees of freedom are −2 ln(1 − p), and with many go back and forth', () => {
    for (const p of [1e-6, 0.1, 0.9, 1 - 1e-9])
      assert.ok(Math.abs(chiSquareQuantile(p, 2) / (-2 * Math.log1p(-p)) - 1) < 1e-6);
    for (const nu of [0.3, 7.7, 500, 40_000])
      for (const p of [0.001, 0.5, 0.999])
        assert.ok(
          Math.abs(lowerGamma(nu / 2, chiSquareQuantile(p, nu) / 2) - p) < 1e-8,
          `${nu} at ${p}`,
        );
  });

  it('of the normal distribution are the well-known ones', () => {
    for (const [p, z] of [
      [0.5, 0],
      [0.975, 1.959964],
      [0.84134475, 1],
      [1e-10, -6.361341],
    ] as const)
      assert.ok(Math.abs(normalQuantile(p) - z) < 1e-5, `${p}: ${normalQuantile(p)}`);
    assert.throws(() => normalQuantile(1), /no probability/);
  });
});
