import assert from 'node:assert/strict';
import type { Tensor } from '@tensorflow/tfjs';
import { startBackend, tf } from '../../src/backend/start';
import { dampedFisherNorm, fitLayer } from '../../src/fisher/damped-norm';
import { diagonalFisherNorm } from '../../src/fisher/diagonal-norm';
import { samplesOf } from '../../src/fisher/draws';
import type { FittedFeature, FittedLayer } from '../../src/fisher/fitted-feature';
import { kroneckerFisherNorm } from '../../src/fisher/kronecker-norm';
import { forEachLayer } from '../../src/fisher/passes';
import { batchFeatures } from '../../src/gradients/features';
import { disposeModel } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow';
import type { Model, TapedModel } from '../../src/models/model';
import { normals } from '../../src/numerics/random';
import { shake } from '../models/finite-differences';
import { looking } from '../support/looking';
import { identity, LinearFlow, LinearGaussian, statistic } from './tiny-models';

const glow = () => {
  const model = new Glow({ family: 'glow', imageShape: [4, 4, 1], K: 2, L: 1, hidden: 5, seed: 1 });
  shake(model.layers, 4, 0.1);
  return model;
};

/** Values of a feature for the first `count` samples of another seed, by layer: [count/B]. */
function valuesOf(
  model: Model,
  feature: FittedFeature,
  count: number,
  B: number,
): Map<string, Float32Array> {
  const [{ images, noise }] = [...samplesOf(model, 77, count).blocks()] as [
    { images: Tensor; noise: Tensor },
  ];
  const { byBatchSize } = batchFeatures(model, images, noise, [feature], [B]);
  tf.dispose([images, noise]);
  return new Map(byBatchSize[0]?.map(({ layer, values }) => [layer.name, values]));
}

/** Gradients of every layer for the first samples of a seed, row by row. */
async function gradientsOf(
  model: Model,
  seed: number,
  count: number,
): Promise<Map<string, Float64Array[]>> {
  const found = new Map<string, Float64Array[]>();
  await forEachLayer(model, samplesOf(model, seed, count), (layer, gradients: Tensor) => {
    const values = gradients.dataSync();
    const P = layer.variable.size;
    found.set(
      layer.name,
      Array.from({ length: count }, (_, n) => Float64Array.from(values.slice(n * P, (n + 1) * P))),
    );
  });
  return found;
}

const secondMoment = (rows: readonly Float64Array[]) => {
  const P = rows[0]?.length as number;
  return Float64Array.from({ length: P * P }, (_, k) => {
    const [i, j] = [Math.floor(k / P), k % P];
    return rows.reduce((total, g) => total + (g[i] as number) * (g[j] as number), 0) / rows.length;
  });
};
const traceOf = (F: Float64Array, P: number) =>
  Array.from({ length: P }, (_, i) => F[i * (P + 1)] as number).reduce((a, b) => a + b, 0);
const sumOf = (rows: readonly Float64Array[]) =>
  (rows[0] as Float64Array).map((_, i) =>
    rows.reduce((total, row) => total + (row[i] as number), 0),
  );
const close = (name: string, value: number, expected: number, tolerance = 2e-3) =>
  assert.ok(
    Math.abs(value - expected) <= tolerance * Math.abs(expected),
    `${name}: ${value} instead of ${expected}`,
  );

describe('norms fitted on the Fisher information', () => {
  before(startBackend);

  for (const N of [12, 200]) {
    it(`the damped one is gᵀ(F̂ + λ)⁻¹g by elimination in float64, for every layer of a Glow, with ${N} reference gradients`, async () => {
      const model = glow();
      const feature = await dampedFisherNorm(model, samplesOf(model, 3, N));
      const reference = await gradientsOf(model, 3, N);
      const own = await gradientsOf(model, 77, 4);
      for (const B of [1, 2]) {
        for (const [name, values] of valuesOf(model, feature, 4, B)) {
          const rows = own.get(name) as Float64Array[];
          const P = rows[0]?.length as number;
          const F = secondMoment(reference.get(name) as Float64Array[]);
          const lambda = (0.01 * traceOf(F, P)) / Math.min(N, P);
          if (lambda === 0) {
            assert.ok(
              values.every((value) => value === 0),
              `${name} has no gradient`,
            );
            continue;
          }
          values.forEach((value, k) => {
            close(
              `${name} at B = ${B}`,
              value,
              statistic(F, lambda, sumOf(rows.slice(k * B, (k + 1) * B))) / B,
            );
          });
        }
      }
      feature.dispose();
      disposeModel(model);
    });
  }

  it('the damped one is exact also along the largest eigenvalue, where naive differences lose all digits', async () => {
    const N = 40;
    const model = glow();
    // One reference gradient, a thousand times as large as the others, makes the top eigenvalue; it
    // is scored itself.
    const layer = 'flow.layers.1.block.4.conv.weight';
    const reference = (await gradientsOf(model, 3, N)).get(layer) as Float64Array[];
    reference[0] = (reference[0] as Float64Array).map((value) => 1000 * value);
    const P = reference[0].length;
    const F = secondMoment(reference);
    const lambda = (0.01 * traceOf(F, P)) / Math.min(N, P);
    const rows = tf.tensor2d(reference.map((row) => Array.from(row)));
    const fitted = fitLayer(rows, 0.01) as FittedLayer;
    rows.dispose();
    const g = tf.tensor2d([Array.from(reference[0])]);
    const value = tf.tidy(
      () => fitted.of({ instantiate: () => g } as never, 1).dataSync()[0],
    ) as number;
    close('along the top eigenvector', value, statistic(F, lambda, reference[0]), 1e-3);
    tf.dispose([g, ...fitted.tensors]);
    disposeModel(model);
  });

  it('the diagonal one is Σ g²/(d + λ)', async () => {
    const model = glow();
    const feature = await diagonalFisherNorm(model, samplesOf(model, 3, 50));
    const [reference, own] = [await gradientsOf(model, 3, 50), await gradientsOf(model, 77, 4)];
    for (const [name, values] of valuesOf(model, feature, 4, 1)) {
      const P = own.get(name)?.[0]?.length as number;
      const F = secondMoment(reference.get(name) as Float64Array[]);
      if (traceOf(F, P) === 0) continue;
      const lambda = (0.01 * traceOf(F, P)) / Math.min(50, P);
      values.forEach((value, n) => {
        const expected = (own.get(name) as Float64Array[])[n]?.reduce(
          (sum, g, i) => sum + g ** 2 / ((F[i * (P + 1)] as number) + lambda),
          0,
        );
        close(name, value, expected as number);
      });
    }
    feature.dispose();
    disposeModel(model);
  });

  it('the Kronecker-factored one agrees with the exact one where F is a Kronecker product', async () => {
    // F of the mean's weights is hhᵀ ⊗ diag e^{2s}. Its null space along A is damped differently:
    // look along h, where gradients live.
    const model = new LinearGaussian(
      Float32Array.of(1, -0.5),
      normals(1, 6),
      Float32Array.of(0.4, -0.3, 0.1),
    );
    const draws = samplesOf(model, 3, 4000);
    const [kronecker, exact] = [
      await kroneckerFisherNorm(model, draws, { damping: 1e-5 }),
      await dampedFisherNorm(model, draws, { damping: 1e-5 }),
    ];
    const [a, b] = [kronecker, exact].map((feature) => valuesOf(model, feature, 32, 1)) as [
      Map<string, Float32Array>,
      Map<string, Float32Array>,
    ];
    a.get('mean.weight')?.forEach((value, n) => {
      close(`sample ${n}`, value, b.get('mean.weight')?.[n] as number, 0.02);
    });
    for (const feature of [kronecker, exact]) feature.dispose();
    disposeModel(model);
  });

  it('the Kronecker-factored one is tr[(A+√ρ)⁻¹ G (S+√ρ)⁻¹ Gᵀ]/φ in float64, for a convolution of a Glow', async () => {
    const N = 60;
    const model = glow();
    const name = 'flow.layers.1.block.2.conv.weight'; // 1x1: the weight is [I, O] as it is
    const draws = samplesOf(model, 3, N);
    const feature = await kroneckerFisherNorm(model, draws);
    const [A, S] = [new Float64Array(25), new Float64Array(25)];
    for (const { images, noise } of draws.blocks()) {
      model
        .gradients(
          images,
          noise,
          looking((layer, factors) => {
            if (layer.name !== name) return;
            const { x, dy } = factors.grouped(1);
            const [xs, dys] = [x.dataSync(), dy.dataSync()];
            for (let row = 0; row < xs.length; row += 5)
              for (let i = 0; i < 5; i++)
                for (let j = 0; j < 5; j++) {
                  A[i * 5 + j] =
                    (A[i * 5 + j] as number) + (xs[row + i] as number) * (xs[row + j] as number);
                  S[i * 5 + j] =
                    (S[i * 5 + j] as number) + (dys[row + i] as number) * (dys[row + j] as number);
                }
          }),
        )
        .dispose();
      tf.dispose([images, noise]);
    }
    const [reference, own] = [
      (await gradientsOf(model, 3, N)).get(name) as Float64Array[],
      (await gradientsOf(model, 77, 3)).get(name) as Float64Array[],
    ];
    const trace = reference.reduce((sum, g) => sum + g.reduce((a, b) => a + b * b, 0), 0) / N;
    const phi = trace / 25;
    const root = Math.sqrt((0.01 * trace) / Math.min(N, 25) / phi);
    const unit = (M: Float64Array) => M.map((value) => (value * 5) / traceOf(M, 5));
    const [UA, US] = [unit(A), unit(S)];
    // (A+√ρ) ⊗ (S+√ρ) as one matrix of 25 x 25.
    const whole = Float64Array.from({ length: 625 }, (_, k) => {
      const [p, q] = [Math.floor(k / 25), k % 25];
      const [i, o, j, r] = [Math.floor(p / 5), p % 5, Math.floor(q / 5), q % 5];
      return (
        phi *
        ((UA[i * 5 + j] as number) + (i === j ? root : 0)) *
        ((US[o * 5 + r] as number) + (o === r ? root : 0))
      );
    });
    valuesOf(model, feature, 3, 1)
      .get(name)
      ?.forEach((value, n) => {
        close(`sample ${n}`, value, statistic(whole, 0, own[n] as Float64Array));
      });
    feature.dispose();
    disposeModel(model);
  });

  it("of the model's own samples, the barely damped exact one averages the rank: E gᵀF⁻¹g = |θ|", async () => {
    const model = new LinearFlow(2, Float32Array.of(1, 0.4, -0.3, 0.8));
    const feature = await dampedFisherNorm(model, samplesOf(model, 3, 20_000), { damping: 1e-4 });
    const values = valuesOf(model, feature, 64, 1).get('weight') as Float32Array;
    const all = samplesOf(model, 9, 8192);
    let total = 0;
    for (const { images, noise } of all.blocks()) {
      const found = batchFeatures(model, images, noise, [feature], [1]);
      total += Array.from(found.byBatchSize[0]?.[0]?.values ?? []).reduce((a, b) => a + b, 0);
      tf.dispose([images, noise]);
    }
    assert.equal(values.length, 64);
    close('mean statistic', total / 8192, 3, 0.06);
    feature.dispose();
    disposeModel(model);
  });

  it("the exact one does not change under a change of the weights' coordinates; the paper's norm and the diagonal one do", async () => {
    const C = Float32Array.of(1, 0.9, 0, 2);
    const V = Float32Array.of(1, 0.4, -0.3, 0.8);
    const inC = new LinearFlow(2, V, C);
    const W = tf.tidy(
      () => tf.matMul(tf.tensor2d(C, [2, 2]), tf.tensor2d(V, [2, 2])).dataSync() as Float32Array,
    );
    const plain = new LinearFlow(2, W, identity(2));
    const ratios = async (make: (model: TapedModel) => Promise<FittedFeature>) => {
      const weights = async (model: LinearFlow) => {
        const feature = await make(model);
        const values = valuesOf(model, feature, 32, 1).get('weight') as Float32Array;
        feature.dispose();
        return values;
      };
      const [a, b] = [await weights(inC), await weights(plain)];
      return Math.max(...a.map((value, n) => Math.abs(Math.log(value / (b[n] as number)))));
    };
    assert.ok(
      (await ratios((model) =>
        dampedFisherNorm(model, samplesOf(model, 3, 500), { damping: 1e-5 }),
      )) < 0.01,
    );
    assert.ok(
      (await ratios((model) =>
        diagonalFisherNorm(model, samplesOf(model, 3, 500), { damping: 1e-5 }),
      )) > 0.1,
    );
    for (const model of [inC, plain]) disposeModel(model);
  });

  it('are refused on a layer they were not fitted on, and with a damping of 0', async () => {
    const [model, other] = [glow(), new LinearFlow(2, identity(2))];
    const feature = await dampedFisherNorm(other, samplesOf(other, 3, 20));
    assert.throws(() => valuesOf(model, feature, 2, 1), /not fitted on layer/);
    await assert.rejects(
      dampedFisherNorm(other, samplesOf(other, 3, 20), { damping: 0 }),
      /damping of 0/,
    );
    await assert.rejects(
      dampedFisherNorm(other, samplesOf(other, 3, 20), { memory: 100 }),
      /fewer images/,
    );
    feature.dispose();
    for (const m of [model, other]) disposeModel(m);
  });

  it('leave no tensor behind', async () => {
    const model = glow();
    const before = tf.memory().numTensors;
    for (const make of [dampedFisherNorm, diagonalFisherNorm, kroneckerFisherNorm]) {
      const feature = await make(model, samplesOf(model, 3, 20));
      valuesOf(model, feature, 4, 2);
      feature.dispose();
      assert.equal(tf.memory().numTensors, before, feature.name);
    }
    disposeModel(model);
  });
});
