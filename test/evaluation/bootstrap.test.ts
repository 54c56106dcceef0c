import assert from 'node:assert/strict';
import {
  estimates,
  metricsWithIntervals,
  pairedBootstrap,
  resampledAurocs,
  resampledMetrics,
} from '../../src/evaluation/bootstrap';
import { metrics } from '../../src/evaluation/metrics';
import { interval } from '../../src/numerics/intervals';
import { mean, unbiasedStd } from '../../src/numerics/moments';
import { normals, uniformAt } from '../../src/numerics/random';

/**
 * DeLong, DeLong, Clarke-Pearson (Biometrics 44, 1988): Var AUROC = var(V10)/outs + var(V01)/ins,
 * where V10 of an out-of-distribution score is the share of in-distribution ones below it. For a
 * difference of two detectors the components are subtracted first.
 */
function delongStd(pairs: { ins: ArrayLike<number>; outs: ArrayLike<number> }[]): number {
  const wins = (a: number, b: number) => (b > a ? 1 : b === a ? 0.5 : 0);
  const [first, second] = pairs.map(({ ins, outs }) => ({
    v10: Array.from(outs, (b) => mean(Array.from(ins, (a) => wins(a, b)))),
    v01: Array.from(ins, (a) => mean(Array.from(outs, (b) => wins(a, b)))),
  }));
  const minus = (a: number[] = [], b?: number[]) => a.map((value, i) => value - (b?.[i] ?? 0));
  const v10 = minus(first?.v10, second?.v10);
  const v01 = minus(first?.v01, second?.v01);
  return Math.sqrt(unbiasedStd(v10) ** 2 / v10.length + unbiasedStd(v01) ** 2 / v01.length);
}

describe('the bootstrap of metrics', () => {
  const ins = normals(1, 300);
  const outs = normals(2, 400).map((x) => x + 1);

  it("has a spread that agrees with DeLong's formula", () => {
    const { auroc } = metricsWithIntervals(ins, outs, { seed: 7 });
    const expected = 2 * 1.959964 * delongStd([{ ins, outs }]);
    assert.ok(
      Math.abs((auroc.high - auroc.low) / expected - 1) < 0.1,
      `width ${auroc.high - auroc.low}, DeLong ${expected}`,
    );
    assert.ok(auroc.low < auroc.value && auroc.value < auroc.high);
  });

  it('contains the true AUROC Φ(d/√2) in about 95 of 100 experiments', () => {
    const truth = 0.7602499389065233; // Φ(1/√2), from scipy
    let contained = 0;
    for (let k = 0; k < 200; k++) {
      const made = { in: normals(1000 + k, 80), out: normals(5000 + k, 80).map((x) => x + 1) };
      const { auroc } = metricsWithIntervals(made.in, made.out, { seed: k, resamples: 400 });
      if (auroc.low <= truth && truth <= auroc.high) contained++;
    }
    // Binomial(200, 0.95): 190 ± 3; four standard deviations, and a little for the percentile
    // interval's known optimism.
    assert.ok(contained >= 176 && contained <= 200, `${contained} of 200`);
  });

  it('draws rows with replacement, as many as there are, each side by itself', () => {
    const constant = metricsWithIntervals([0, 0, 0], [1, 1], { seed: 3, resamples: 50 });
    assert.deepEqual(constant.auroc, { value: 1, low: 1, high: 1 });
    assert.deepEqual(constant.fpr95, { value: 0, low: 0, high: 0 });
    // With sorting anew for each resample, by another stream, quantiles agree within the noise of
    // 1000 resamples.
    const values = Float64Array.from({ length: 1000 }, (_, r) => {
      const draw = (list: Float32Array, side: number) =>
        list.map((_, i) => list[Math.floor(uniformAt(31 * r + side, i) * list.length)] as number);
      return metrics(draw(ins, 1_000_003), draw(outs, 2_000_003)).aupr;
    });
    const byHand = interval(values);
    const { aupr } = metricsWithIntervals(ins, outs, { seed: 4 });
    assert.ok(
      Math.abs(byHand.low - aupr.low) < 0.006 && Math.abs(byHand.high - aupr.high) < 0.006,
      `${byHand.low} ${aupr.low}`,
    );
  });

  it('depends only on the seed and the names of the sets', () => {
    const run = (options: { seed: number; inName?: string }) =>
      metricsWithIntervals(ins, outs, { resamples: 100, ...options });
    assert.deepEqual(run({ seed: 1 }), run({ seed: 1 }));
    assert.notDeepEqual(run({ seed: 1 }), run({ seed: 2 }));
    assert.notDeepEqual(run({ seed: 1 }), run({ seed: 1, inName: 'mnist' }));
  });

  it('gives the interval from the 2.5 % to the 97.5 % quantile', () => {
    const { low, high } = interval(Float64Array.from({ length: 1001 }, (_, i) => (i * 10) % 1001));
    assert.ok(Math.abs(low - 25) < 1e-9 && Math.abs(high - 975) < 1e-9, `${low}, ${high}`);
  });

  it('refuses an invalid number of resamples', () => {
    assert.throws(
      () => metricsWithIntervals(ins, outs, { seed: 1, resamples: 0 }),
      /0 is no number of resamples/,
    );
  });
});

describe('the paired bootstrap', () => {
  const shared = { in: normals(11, 300), out: normals(12, 300).map((x) => x + 0.5) };
  const noisy = {
    in: normals(13, 300).map((x, i) => (shared.in[i] as number) + 0.3 * x),
    out: normals(14, 300).map((x, i) => (shared.out[i] as number) + 0.3 * x),
  };

  it("has the spread of DeLong's formula for correlated detectors, much less than that of either AUROC", () => {
    const [a, b] = resampledAurocs([shared, noisy], { seed: 5 }) as [Float64Array, Float64Array];
    const resampled = a.map((auroc, r) => auroc - (b[r] as number));
    const expected = delongStd([
      { ins: shared.in, outs: shared.out },
      { ins: noisy.in, outs: noisy.out },
    ]);
    assert.ok(
      Math.abs(unbiasedStd(resampled) / expected - 1) < 0.1,
      `${unbiasedStd(resampled)}, DeLong ${expected}`,
    );
    assert.ok(expected < 0.5 * delongStd([{ ins: shared.in, outs: shared.out }]));
    const { value, low, high } = pairedBootstrap(shared, noisy, { seed: 5 });
    assert.deepEqual({ low, high }, interval(resampled));
    assert.equal(value, metrics(shared.in, shared.out).auroc - metrics(noisy.in, noisy.out).auroc);
  });

  it('is exactly zero for a detector against itself, whatever monotone scale it is on', () => {
    const warped = {
      in: shared.in.map((x) => Math.exp(x)),
      out: shared.out.map((x) => Math.exp(x)),
    };
    assert.deepEqual(pairedBootstrap(shared, warped, { seed: 1, resamples: 50 }), {
      value: 0,
      low: 0,
      high: 0,
    });
  });

  it('of all metrics at once equals that of each detector alone, and its AUROCs are those of pairs', () => {
    const options = { seed: 5, resamples: 100, inName: 'a', outName: 'b' };
    const found = resampledMetrics([shared, noisy], options);
    assert.deepEqual(
      found.map(estimates),
      [shared, noisy].map((one) => metricsWithIntervals(one.in, one.out, options)),
    );
    assert.deepEqual(
      found.map(({ resampled }) => resampled.auroc),
      resampledAurocs([shared, noisy], options),
    );
    assert.throws(
      () => resampledMetrics([shared, { in: [1], out: [2] }], options),
      /300 \+ 300 and 1 \+ 1 batches/,
    );
  });

  it('refuses scores of different batches', () => {
    assert.throws(
      () => pairedBootstrap(shared, { in: [1], out: [2] }, { seed: 1 }),
      /300 \+ 300 and 1 \+ 1 batches/,
    );
  });
});
