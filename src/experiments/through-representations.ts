/**
 * # Models seen through representations
 *
 * Notebook 02 measures log-likelihoods, gradients, features and Fisher matrices of a model in RGB
 * and through other representations T, always with the same dequantisation noise (seed 0). By
 * equation (4) of the notebook, log-likelihoods change by log|det J_T|. By Proposition 1 of
 * Dauncey, Holmes, Williams & Falck (2024), nothing computed from gradients changes. `tinyGlow`
 * trains a small flow in the space of T; Proposition 1 does not apply to it, because it has other
 * parameters.
 */
import type { NamedTensorMap, Tensor, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import { type Dataset, pixels } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { featurePasses, squaredNorm, squaredNorms } from '../features/index';
import type { Draws } from '../fisher/index';
import {
  compareGradients,
  compose,
  dequantised,
  type Representation,
  represent,
} from '../invariance/index';
import { Collector, Glow, type Model, summedGradients } from '../models/index';

const SEED = 0;
/** Points are recovered from the space of T bit for bit (`invariance/lattice.ts`). */
const EXACT = { lattice: true };
/** Images per pass. */
const CHUNK = 50;

const upTo = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);

/** Images `from` … `from + n − 1` of a set as points of the unit cube, with the models' noise. */
export function unitCube(set: Dataset, n: number, from = 0): Float64Array[] {
  const indices = upTo(n, from);
  const size = set.images.length / set.count;
  const flat = tf.tidy(() => dequantised(pixels(set, indices), indices, SEED).dataSync());
  return indices.map((_, k) => Float64Array.from(flat.subarray(k * size, (k + 1) * size)));
}

/** log p of the first n images of a set in the space of T, in nats. */
export function logLikelihoodsThrough(
  model: Model,
  map: Representation,
  set: Dataset,
  n: number,
): number[] {
  const seen = represent(model, map, EXACT);
  const found: number[] = [];
  for (let start = 0; start < n; start += CHUNK) {
    const indices = upTo(Math.min(CHUNK, n - start), start);
    const part = tf.tidy(() => {
      const points = seen.points(pixels(set, indices), indices, SEED);
      return seen.logLikelihood(points, seen.noise(indices, SEED)).dataSync();
    });
    found.push(...part);
  }
  return found;
}

/** log p of points of the RGB cube in RGB and in the space of T, in nats. */
export function logLikelihoodsOfPoints(
  model: Model,
  map: Representation,
  points: readonly Float64Array[],
): { inRgb: number[]; through: number[] } {
  return tf.tidy(() => {
    const flat = Float32Array.from(points.flatMap((point) => [...point]));
    const x = tf.tensor(flat, [points.length, ...model.imageShape]) as Tensor4D; // [N, H, W, C]
    const noise = tf.zerosLike(x); // the points include the noise
    const inRgb = model.logLikelihood(tf.mul(x, 256), noise).dataSync();
    const through = represent(model, map).logLikelihood(map.forward(x), noise).dataSync();
    return { inRgb: [...inRgb], through: [...through] };
  });
}

/**
 * For every tensor with a gradient, the relative differences from RGB, one for each space: √(Σ_n
 * ‖g_n − g′_n‖² / Σ_n ‖g_n‖²) over the first n images.
 * @returns `[tensor][space]`
 */
export function gradientDifferences(
  model: Model,
  maps: readonly Representation[],
  set: Dataset,
  { images: n, lattice }: { readonly images: number; readonly lattice: boolean },
): number[][] {
  return tf.tidy(() => {
    const indices = upTo(n);
    const images = pixels(set, indices);
    const spaces = [compose(), ...maps].map((map) => represent(model, map, { lattice }));
    const inAll = spaces.map((space) => space.pixels(space.points(images, indices, SEED)));
    const noise = tf.concat(spaces.map((space) => space.noise(indices, SEED)));
    const found: number[][] = [];
    const each = new Collector((gradient, layer) => {
      const flat = [spaces.length, n * layer.variable.size];
      const g = tf.reshape(gradient.instantiate(1), flat); // [S, N·|θ_j|]
      const inRgb = tf.slice(g, [0, 0], [1, -1]); // [1, N·|θ_j|]
      const norm = tf.sum(tf.square(inRgb)).dataSync()[0] as number;
      const gaps = tf.sum(tf.square(tf.sub(g, inRgb)), 1).dataSync(); // [S]
      if (norm > 0) found.push(Array.from(gaps.subarray(1), (gap) => Math.sqrt(gap / norm)));
      return null; // no tensor is kept
    });
    model.gradients(tf.concat(inAll), noise, each);
    return found;
  });
}

/** The largest such difference over two images, with a separate pass for each space. */
export function largestDifference(model: Model, map: Representation, set: Dataset): number {
  return tf.tidy(() => {
    const indices = upTo(2);
    const images = pixels(set, indices);
    const pass = (one: Representation) => {
      const seen = represent(model, one, EXACT);
      const points = seen.points(images, indices, SEED);
      return { model: seen, images: points, noise: seen.noise(indices, SEED) };
    };
    const [differences = []] = compareGradients(pass(compose()), pass(map));
    return Math.max(...differences.map(({ relative }) => relative));
  });
}

/**
 * Log-likelihoods in the space of T and squared norms of n images of each set, computed separately
 * for each T from the points T(x).
 * @param sets each with its first image
 * @returns `[map][set]`
 */
export function tablesThrough(
  model: Model,
  maps: readonly Representation[],
  sets: readonly { readonly set: Dataset; readonly from: number }[],
  n: number,
): FeatureTable[][] {
  const first = sets[0]?.set as Dataset;
  // Plan the passes over many images once, for all spaces.
  const passes = featurePasses(
    model,
    [squaredNorm],
    [1],
    n * maps.length * sets.length,
    (count) => ({
      images: pixels(first, upTo(count)),
      noise: model.noise(upTo(count), SEED),
    }),
  );
  return maps.map((map) =>
    sets.map(({ set, from }) => tableThrough(model, map, set, upTo(n, from), passes)),
  );
}

function tableThrough(
  model: Model,
  map: Representation,
  set: Dataset,
  indices: readonly number[],
  passes: ReturnType<typeof featurePasses>,
): FeatureTable {
  const seen = represent(model, map, EXACT);
  const [x, noise, logDets] = tf.tidy((): [Tensor, Tensor, Tensor] => {
    const points = seen.points(pixels(set, indices), indices, SEED);
    const back = seen.pixels(points); // [N, H, W, C]
    return [back, seen.noise(indices, SEED), map.logAbsDetJacobian(tf.div(back, 256))];
  });
  try {
    const { logLikelihood, norms, layers } = squaredNorms(model, x, noise, 1, passes);
    const logDet = logDets.dataSync();
    const inSpace = Float64Array.from(logLikelihood, (logP, k) => logP - (logDet[k] as number));
    const columns = layers.map((layer, j) => ({
      feature: 'squared-norm',
      layer,
      values: Float64Array.from(indices, (_, k) => norms[k * layers.length + j] as number),
    }));
    return {
      rows: indices.length,
      batchSize: 1,
      columns: [{ feature: 'log-likelihood', values: inSpace }, ...columns],
    };
  } finally {
    tf.dispose([x, noise, logDets]);
  }
}

/** The Fisher matrix of one tensor, [|θ_j|, |θ_j|], of a model seen through T. */
export function fisherThrough(
  model: Model,
  map: Representation,
  layerName: string,
  draws: Draws,
): Tensor {
  const seen = represent(model, map, EXACT);
  return tf.tidy(() => {
    let matrix: Tensor = tf.scalar(0); // becomes [|θ_j|, |θ_j|]
    for (const { images } of draws.blocks()) {
      const indices = upTo(images.shape[0] as number);
      const noise = seen.noise(indices, SEED);
      const one = new Collector((gradient, layer) => {
        if (layer.name !== layerName) return null;
        const g = gradient.instantiate(1); // [N, |θ_j|]
        matrix = tf.keep(tf.add(matrix, tf.div(tf.matMul(g, g, true, false), draws.count)));
        return null;
      });
      seen.gradients(seen.points(images, indices, SEED), noise, one);
    }
    return matrix;
  });
}

/** The steps, images per step and training images of a tiny Glow. */
const TINY = { steps: 60, batch: 16, images: 800 };

/**
 * Trains a tiny Glow in the space of T on the first images of a set, with 256·T(x) as its pixels.
 * All T start from the same weights. It takes a few seconds, and the model is accordingly weak.
 * @returns the model and its bits/dim in that space on the last batch
 */
export function tinyGlow(map: Representation, set: Dataset): { model: Glow; bits: number } {
  const { steps, batch, images } = TINY;
  const shape = [32, 32, 3] as const;
  const model = new Glow({ family: 'glow', imageShape: shape, K: 2, L: 2, hidden: 24, seed: 1 });
  const inMap = represent(model, map); // only for its points
  const at = (step: number) => {
    const indices = upTo(batch, (step * batch) % images);
    return tf.mul(inMap.points(pixels(set, indices), indices, step), 256);
  };
  tf.tidy(() => model.initialise(at(0), 1));
  const optimiser = tf.train.adamax(0.003);
  let bits = Number.NaN;
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => {
      const sums = summedGradients();
      const logP = model.gradients(at(step), tf.zeros([batch, ...shape]), sums);
      const gradients: NamedTensorMap = {}; // of the mean of −log p
      for (const [{ variable }, { sum }] of sums.byLayer)
        gradients[variable.name] = tf.mul(tf.reshape(sum, variable.shape), -1 / batch); // as θ_j
      optimiser.applyGradients(gradients as Parameters<typeof optimiser.applyGradients>[0]);
      sums.dispose();
      bits = -(tf.mean(logP).dataSync()[0] as number) / (3072 * Math.LN2);
    });
  }
  optimiser.dispose();
  return { model, bits };
}

/** Mean log squared norm of every layer over images in the model's own space. */
export function meanLogNorms(model: Model, images: Tensor): number[] {
  return tf.tidy(() => {
    const found = new Map<string, number>();
    const norms = new Collector((g, layer) => {
      const logs = tf.log(tf.add(g.squaredNorms(1), 1e-30)); // [N]
      found.set(layer.name, tf.mean(logs).dataSync()[0] as number);
      return null;
    });
    model.gradients(images, tf.zeros(images.shape), norms);
    return model.layers.map((layer) => found.get(layer.name) ?? Number.NaN);
  });
}
