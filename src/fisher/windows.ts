/**
 * # Windows: a few weights of F, looked at closely
 *
 * Of chosen weights a, b, of one layer or several,
 *
 *     F̂_ab = 1/N Σ_n g_na g_nb,       ρ_ab = F̂_ab / √(F̂_aa F̂_bb)  ∈ [−1, 1].
 *
 * The paper's first observation is that within a layer the diagonal stands out: |ρ_ab| is small off
 * it. How small can it look? Even if F_ab = 0, ρ_ab of N samples is normal with deviation 1/√N, and
 * its size averages
 *
 *     E|ρ_ab| = √(2/(πN))        the noise floor: 0.0249 at N = 1024.  (eq:noise-floor)
 *
 * That holds for large N where the squares of two gradients are uncorrelated. Those of real models
 * are not (a busy image has large gradients everywhere) and their tails are heavy, so a second
 * floor is *measured*: the sign of every gradient is drawn anew, which leaves all sizes as they are
 * and makes every F_ab zero. And one number has no floor at all: with ρ′ and ρ″ from two halves of
 * the samples, E[ρ′ρ″] = ρ², so √(mean ρ′ρ″) is what is left when the noise is gone.
 */
import { at } from '../backend/index';
import { FisherlabError } from '../errors';
import { layerSize } from '../gradients/index';
import type { Model } from '../models/index';
import {
  bootstrapCounts,
  deriveSeed,
  type Estimate,
  intervalOf,
  mean,
  permutation,
  uniformAt,
} from '../numerics/index';
import type { FisherEstimate, LayerFisher } from './estimate';

/**
 * Random weights of random layers, for `estimateFisher`: at most `weights` (50) of each of `layers`
 * layers (all where left out), in the order of the model.
 */
export function chooseWindows(
  model: Pick<Model, 'layers'>,
  { seed, layers, weights = 50 }: { seed: number; layers?: number; weights?: number },
): Map<string, number[]> {
  const trained = model.layers.filter((layer) => !layer.frozen);
  const some = Array.from(permutation(trained.length, seed))
    .slice(0, layers ?? trained.length)
    .sort((a, b) => a - b);
  return new Map(
    some.map((j) => {
      const layer = at(trained, j);
      const order = permutation(layerSize(layer), deriveSeed(seed, 1, j));
      return [layer.name, Array.from(order.slice(0, weights)).sort((a, b) => a - b)];
    }),
  );
}

/** A square piece of F̂, row-major. */
export interface Window {
  readonly layers: readonly string[];
  /** Index of the first weight of each layer. */
  readonly starts: readonly number[];
  /** Number of weights: K. */
  readonly size: number;
  /** F̂_ab [K × K]. */
  readonly raw: Float64Array;
  /** ρ_ab [K × K]; NaN where a weight has no gradient. */
  readonly normalised: Float64Array;
}

/**
 * The window over the chosen weights of some layers, within and across them.
 * @throws {FisherlabError} if of one of the layers no weights were chosen
 */
export function fisherWindow(estimate: FisherEstimate, names: readonly string[]): Window {
  const parts = names.map((name) => chosen(estimate, name));
  const starts = parts.map((_, p) =>
    parts.slice(0, p).reduce((sum, part) => sum + part.weights.length, 0),
  );
  const size = parts.reduce((sum, part) => sum + part.weights.length, 0);
  const joined = new Float64Array(estimate.samples * size);
  parts.forEach(({ weights, gradients }, p) => {
    for (let n = 0; n < estimate.samples; n++) {
      for (let a = 0; a < weights.length; a++)
        joined[n * size + at(starts, p) + a] = at(gradients, n * weights.length + a);
    }
  });
  const raw = secondMoment(joined, size, 0, estimate.samples);
  return { layers: names, starts, size, raw, normalised: normalise(raw, size) };
}

/**
 * One entry ρ_ab of a window over chosen weights `a` and `b` (their places in the window of their
 * layers), with its bootstrap interval over samples.
 */
export function entryInterval(
  estimate: FisherEstimate,
  [layerA, a]: readonly [string, number],
  [layerB, b]: readonly [string, number],
  seed: number,
  resamples = 1000,
): Estimate {
  const column = (name: string, place: number) => {
    const { gradients, weights } = chosen(estimate, name);
    return Float64Array.from({ length: estimate.samples }, (_, n) =>
      at(gradients, n * weights.length + place),
    );
  };
  const [x, y] = [column(layerA, a), column(layerB, b)];
  const correlation = (weight: (n: number) => number) => {
    let [xx, xy, yy] = [0, 0, 0];
    for (let n = 0; n < estimate.samples; n++) {
      const [w, u, v] = [weight(n), at(x, n), at(y, n)];
      xx += w * u * u;
      xy += w * u * v;
      yy += w * v * v;
    }
    return xy / Math.sqrt(xx * yy);
  };
  const counts = bootstrapCounts(estimate.samples, resamples, seed);
  const resampled = Array.from({ length: resamples }, (_, r) =>
    correlation((n) => at(counts, r * estimate.samples + n)),
  );
  return intervalOf(
    correlation(() => 1),
    resampled,
  );
}

/** Average |ρ| of N samples of weights whose gradients are independent: √(2/(πN)). */
export function noiseFloor(samples: number): number {
  return Math.sqrt(2 / (Math.PI * samples));
}

export interface OffDiagonals {
  /** All ρ_ab, a < b of one layer. */
  readonly values: Float64Array;
  /**
   * Average |ρ_ab|, the mean over layers of each layer's own; the interval is over layers and
   * weights that might have been chosen instead.
   */
  readonly average: Estimate;
  /** √(2/(πN)). */
  readonly floor: number;
  /** Average |ρ_ab| once the signs of all gradients are drawn anew. */
  readonly measuredFloor: number;
  /**
   * √(mean ρ²) without the noise, from two halves of the samples; 0 where the mean comes out
   * negative.
   */
  readonly beyondNoise: number;
}

/**
 * Off-diagonals within each layer of which at least two weights were chosen.
 * @throws {FisherlabError} if there is none
 */
export function offDiagonals(estimate: FisherEstimate, seed: number): OffDiagonals {
  const { samples, layers } = estimate;
  const middle = Math.floor(samples / 2);
  const values: number[] = [];
  const means: number[] = [];
  const flipped: number[] = [];
  const products: number[] = [];
  layers.forEach(({ weights, gradients }, j) => {
    const k = weights.length;
    const pairs = (moment: Float64Array) => upperOf(normalise(moment, k), k);
    const [first, second] = [
      secondMoment(gradients, k, 0, middle),
      secondMoment(gradients, k, middle, samples),
    ];
    const whole = first.map(
      (sum, i) => (sum * middle + at(second, i) * (samples - middle)) / samples,
    );
    const own = pairs(whole).filter(Number.isFinite);
    if (own.length === 0) return;
    values.push(...own);
    means.push(averageSize(own));
    const signs = deriveSeed(seed, j);
    const drawn = gradients.map((value, i) => (uniformAt(signs, i) < 0.5 ? -value : value));
    flipped.push(averageSize(pairs(secondMoment(drawn, k, 0, samples)).filter(Number.isFinite)));
    const halves = pairs(second);
    products.push(
      mean(
        pairs(first).flatMap((rho, i) =>
          Number.isFinite(rho * at(halves, i)) ? [rho * at(halves, i)] : [],
        ),
      ),
    );
  });
  if (means.length === 0)
    throw new FisherlabError(
      'no layer has two chosen weights with gradients',
      'choose windows: chooseWindows(model, …)',
    );
  const resamples = 1000;
  const counts = bootstrapCounts(means.length, resamples, seed);
  const resampled = Array.from({ length: resamples }, (_, r) =>
    mean(means.map((mean, j) => mean * at(counts, r * means.length + j))),
  );
  return {
    values: Float64Array.from(values),
    average: intervalOf(mean(means), resampled),
    floor: noiseFloor(samples),
    measuredFloor: mean(flipped),
    beyondNoise: Math.sqrt(Math.max(0, mean(products.filter(Number.isFinite)))),
  };
}

function chosen({ layers }: FisherEstimate, name: string): LayerFisher {
  const found = layers.find((layer) => layer.name === name);
  if (found === undefined || found.weights.length === 0) {
    const known = layers.filter(({ weights }) => weights.length > 0).map((layer) => layer.name);
    throw new FisherlabError(
      `no weights of '${name}' were chosen`,
      `choose some before the pass; there are windows of ${known.slice(0, 5).join(', ')}${known.length > 5 ? ', …' : ''}`,
    );
  }
  return found;
}

/** 1/n Σ g gᵀ over samples `from` … `to`, [K × K], of gradients [N × K]. */
function secondMoment(
  gradients: ArrayLike<number>,
  K: number,
  from: number,
  to: number,
): Float64Array {
  const moment = new Float64Array(K * K);
  for (let n = from; n < to; n++) {
    for (let a = 0; a < K; a++) {
      const g = gradients[n * K + a] as number;
      for (let b = a; b < K; b++)
        moment[a * K + b] = (moment[a * K + b] as number) + g * (gradients[n * K + b] as number);
    }
  }
  for (let a = 0; a < K; a++) {
    for (let b = a; b < K; b++) {
      moment[a * K + b] = (moment[a * K + b] as number) / (to - from);
      moment[b * K + a] = moment[a * K + b] as number;
    }
  }
  return moment;
}

/** F_ab / √(F_aa F_bb); NaN for weights without a gradient. */
function normalise(moment: ArrayLike<number>, K: number): Float64Array {
  const scale = Array.from({ length: K }, (_, a) => Math.sqrt(at(moment, a * K + a)));
  return Float64Array.from({ length: K * K }, (_, i) => {
    const [a, b] = [Math.floor(i / K), i % K];
    const product = at(scale, a) * at(scale, b);
    return product === 0 ? Number.NaN : at(moment, i) / product;
  });
}

function upperOf(matrix: Float64Array, K: number): number[] {
  const values: number[] = [];
  for (let a = 0; a < K; a++) for (let b = a + 1; b < K; b++) values.push(at(matrix, a * K + b));
  return values;
}

const averageSize = (values: readonly number[]) => mean(values.map(Math.abs));
