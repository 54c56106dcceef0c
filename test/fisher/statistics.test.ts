import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { decorrelation } from '../../src/fisher/decorrelation';
import { samplesOf } from '../../src/fisher/draws';
import { estimateFisher, type FisherEstimate } from '../../src/fisher/estimate';
import { type LayerSpectrum, spectra } from '../../src/fisher/spectrum';
import {
  chooseWindows,
  entryInterval,
  fisherWindow,
  noiseFloor,
  offDiagonals,
} from '../../src/fisher/windows';
import { disposeModel } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow';
import { deriveSeed, normals } from '../../src/numerics/random';
import { symmetricEigenvalues } from '../../src/numerics/symmetric';
import { LinearFlow } from './tiny-models';

/** An estimate that consists of one layer's given gradients, `column(n, i)`. */
function madeOf(
  samples: number,
  k: number,
  column: (n: number, i: number) => number,
): FisherEstimate {
  const gradients = Float32Array.from({ length: samples * k }, (_, at) =>
    column(Math.floor(at / k), at % k),
  );
  const empty = new Float32Array(0);
  const layer = {
    name: 'made',
    size: k,
    squaredNorms: new Float64Array(samples),
    trace: 0,
    diagonal: empty,
    mean: empty,
  };
  return {
    samples,
    layers: [{ ...layer, weights: Array.from({ length: k }, (_, i) => i), gradients }],
  };
}

describe('windows of the Fisher information', () => {
  before(startBackend);

  it('of independent gradients have off-diagonals at the noise floor, of √(2/(πN)) and as measured', () => {
    assert.ok(Math.abs(noiseFloor(1024) - 0.0249) < 5e-5);
    const N = 1024;
    const noise = normals(3, N * 40);
    const found = offDiagonals(
      madeOf(N, 40, (n, i) => noise[n * 40 + i] as number),
      1,
    );
    assert.ok(Math.abs(found.average.value / noiseFloor(N) - 1) < 0.06, `${found.average.value}`);
    assert.ok(Math.abs(found.measuredFloor / noiseFloor(N) - 1) < 0.06, `${found.measuredFloor}`);
    assert.ok(found.beyondNoise < 0.5 * noiseFloor(N), `${found.beyondNoise} beyond noise`);
    assert.equal(found.values.length, 780);
  });

  it('of sizes that rise and fall together have a higher floor, which is measured', () => {
    const N = 1024;
    const noise = normals(3, N * 41);
    const found = offDiagonals(
      madeOf(
        N,
        40,
        (n, i) => Math.exp(noise[n * 41 + 40] as number) * (noise[n * 41 + i] as number),
      ),
      1,
    );
    assert.ok(
      found.measuredFloor > 1.5 * found.floor,
      `${found.measuredFloor} against ${found.floor}`,
    );
    assert.ok(Math.abs(found.average.value / found.measuredFloor - 1) < 0.1);
  });

  it('of gradients with a correlation of 0.3 show 0.3 beyond the noise', () => {
    const N = 600;
    const noise = normals(3, N * 31);
    const [own, common] = [Math.sqrt(0.7), Math.sqrt(0.3)];
    const estimate = madeOf(
      N,
      30,
      (n, i) => own * (noise[n * 31 + i] as number) + common * (noise[n * 31 + 30] as number),
    );
    const { beyondNoise, average } = offDiagonals(estimate, 1);
    assert.ok(Math.abs(beyondNoise - 0.3) < 0.03, `${beyondNoise}`);
    assert.ok(Math.abs(average.value - 0.3) < 0.03, `${average.value}`);
    const { value, low, high } = entryInterval(estimate, ['made', 0], ['made', 1], 1);
    assert.ok(
      low < 0.3 && 0.3 < high && high - low < 0.25 && low < value && value < high,
      `${value} in [${low}, ${high}]`,
    );
  });

  it('are positive semi-definite, have a diagonal of 1 once normalised, and are blank at weights without gradients', () => {
    const noise = normals(3, 200 * 6);
    const { normalised, size } = fisherWindow(
      madeOf(200, 6, (n, i) => (i === 2 ? 0 : (noise[n * 6 + i] as number))),
      ['made'],
    );
    for (let i = 0; i < 6; i++) {
      if (i === 2) assert.ok(Number.isNaN(normalised[i * 7]));
      else assert.ok(Math.abs((normalised[i * 7] as number) - 1) < 1e-12);
    }
    const filled = normalised.map((value) => (Number.isNaN(value) ? 0 : value));
    assert.ok((symmetricEigenvalues(filled, size)[size - 1] as number) > -1e-12);
    assert.throws(
      () =>
        fisherWindow(
          madeOf(5, 2, () => 1),
          ['other'],
        ),
      /no weights of 'other'/,
    );
  });

  it('are of at most 50 different weights of random layers, the same for the same seed', () => {
    const model = new Glow({
      family: 'glow',
      imageShape: [4, 4, 1],
      K: 2,
      L: 1,
      hidden: 20,
      seed: 1,
    });
    const windows = chooseWindows(model, { seed: 1, layers: 6 });
    assert.equal(windows.size, 6);
    for (const [name, weights] of windows) {
      const size = model.layers.find((layer) => layer.name === name)?.variable.size as number;
      assert.equal(new Set(weights).size, Math.min(50, size));
      assert.ok(weights.every((weight) => weight < size));
    }
    assert.deepEqual(chooseWindows(model, { seed: 1, layers: 6 }), windows);
    assert.notDeepEqual(
      [...chooseWindows(model, { seed: 2, layers: 6 }).keys()],
      [...windows.keys()],
    );
    disposeModel(model);
  });
});

describe('the spectrum of a layer', () => {
  before(startBackend);

  it('has as many effective degrees of freedom as the closed form says, also with fewer samples than those', async () => {
    const model = new LinearFlow(
      4,
      Float32Array.from({ length: 16 }, (_, k) => (k % 5 === 0 ? 1 : 0)),
    );
    // W = I: F[(a,b),(c,d)] = δ δ + δ δ: eigenvalue 2 for symmetric directions (10), 0 for the
    // rest. ν = 20²/40 = 10.
    const few: LayerSpectrum[] = [];
    for (let r = 0; r < 40; r++) {
      const draws = samplesOf(model, deriveSeed(5, r), 24);
      few.push(...(await spectra(model, draws, { seed: 1, resamples: 2 })));
    }
    const mean = (pick: (s: LayerSpectrum) => number) =>
      few.reduce((sum, s) => sum + pick(s), 0) / few.length;
    assert.ok(
      Math.abs(mean(({ traceOfSquare }) => traceOfSquare) / 40 - 1) < 0.12,
      `${mean(({ traceOfSquare }) => traceOfSquare)}`,
    );
    const plugIn = mean(({ eigenvalues }) =>
      eigenvalues.reduce((sum, value) => sum + value * value, 0),
    );
    assert.ok(plugIn > 1.5 * 40, `plugging in gives ${plugIn}: biased`);
    disposeModel(model);
  });

  it('is that of GᵀG/N, whichever side is smaller, with trace and degrees inside their interval', async () => {
    const model = new Glow({
      family: 'glow',
      imageShape: [4, 4, 1],
      K: 2,
      L: 1,
      hidden: 6,
      seed: 1,
    });
    const images = model.sample(8, 3);
    model.initialise(images, 1);
    images.dispose();
    const before = tf.memory().numTensors;
    const windows = new Map(
      model.layers.map((layer) => [
        layer.name,
        Array.from({ length: layer.variable.size }, (_, i) => i),
      ]),
    );
    const draws = samplesOf(model, 5, 70);
    const estimate = await estimateFisher(model, draws, { windows });
    const found = await spectra(model, draws, { seed: 1, memory: 70 * 4 * 600 }); // several passes
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual(
      found.map(({ name }) => name),
      estimate.layers.map(({ name }) => name),
    );
    found.forEach(({ name, size, eigenvalues, trace, degrees }, j) => {
      assert.equal(eigenvalues.length, Math.min(70, size));
      assert.ok(Math.abs(trace - (estimate.layers[j]?.trace as number)) <= 1e-3 * trace, name);
      const dense = symmetricEigenvalues(fisherWindow(estimate, [name]).raw, size);
      eigenvalues.forEach((value, i) => {
        assert.ok(
          Math.abs(value - (dense[i] as number)) <= 1e-4 * (dense[0] as number),
          `${name}, eigenvalue ${i}: ${value} for ${dense[i]}`,
        );
        assert.ok(
          value >= -1e-5 * (eigenvalues[0] as number),
          `${name} has the eigenvalue ${value}`,
        );
      });
      if (trace > 0)
        assert.ok(
          degrees.low <= degrees.value && degrees.value <= degrees.high && degrees.low > 0,
          name,
        );
    });
    disposeModel(model);
  });
});

describe('decorrelation over depth', async () => {
  before(startBackend);

  it('of a moving average of three falls by thirds and ends at lag 3', () => {
    const [n, J] = [1500, 40];
    const noise = normals(8, n * (J + 2));
    const columns = Array.from({ length: J }, (_, j) =>
      Float64Array.from({ length: n }, (_, i) =>
        [0, 1, 2].reduce((sum, k) => sum + (noise[i * (J + 2) + j + k] as number), 0),
      ),
    );
    const { byLag, layers, overall } = decorrelation([...columns, new Float64Array(n).fill(3)], {
      seed: 1,
      maxLag: 6,
      resamples: 60,
    });
    assert.equal(layers, J, 'the constant column is left out');
    [1, 2 / 3, 1 / 3, 0, 0, 0, 0].forEach((expected, lag) => {
      const { value, low, high } = byLag[lag] as (typeof byLag)[0];
      assert.ok(Math.abs(value - expected) < 0.02, `lag ${lag}: ${value}`);
      assert.ok(low <= value + 0.01 && value - 0.01 <= high && high - low < 0.06);
    });
    assert.ok(Math.abs(overall.value - (2 * (39 * (2 / 3) + 38 / 3)) / (40 * 39)) < 0.01);
  });

  it('sees one number common to all layers as a correlation at every distance and as a share of the variance', () => {
    const [n, J] = [800, 30];
    const noise = normals(8, n * (J + 1));
    const columns = Array.from({ length: J }, (_, j) =>
      Float64Array.from(
        { length: n },
        (_, i) => (noise[i * (J + 1) + J] as number) + (noise[i * (J + 1) + j] as number),
      ),
    );
    const { overall, commonShare } = decorrelation(columns, { seed: 1, resamples: 50 });
    assert.ok(overall.low < 0.5 && 0.5 < overall.high, `${overall.low} … ${overall.high}`);
    assert.ok(Math.abs(commonShare - (1 + 29 * overall.value) / 30) < 0.01);
    assert.throws(() => decorrelation([new Float64Array(9)], { seed: 1 }), /0 of 1 layers vary/);
  });
});
