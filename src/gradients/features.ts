/**
 * # Features: what to take from a layer's gradient
 *
 * The paper's feature of layer θ_j and a batch of B images is the squared norm of the gradient of
 * their *joint* log-likelihood,
 *
 *     f_j(x_{1:B}) = ‖ ∂/∂θ_j Σ_b log p(x_b) ‖²,  (eq:feature)
 *
 * not the mean of the images' own norms. Your own feature is one small function of what flowed into
 * the layer and what flowed back:
 *
 *     const largest = defineFeature({
 *       name: 'largest',
 *       ofLayer: (x, dy) => tf.max(tf.abs(tf.matMul(x, dy, true)), [1, 2]), // [N/B]
 *     });
 *
 * `x` is `[N/B, T, I]`, `dy` is `[N/B, T, O]`, and the layer's gradient is `Σ_t x_t ⊗ dy_t`; a
 * batch of B images is one image with B times as many positions. The function gives one number a
 * batch, `[N/B]`, or k of them, `[N/B, k]`. It works for every model and every operation, in one
 * pass, for several B at once.
 *
 * A function that uses nothing but its arguments is identified by its text: its numbers are kept on
 * disk until the text changes (`features/own-feature.ts`). For this reason `tf` and options are
 * passed as arguments too:
 *
 *     defineFeature({
 *       name: 'power',
 *       options: { p: 3 },
 *       ofLayer: (x, dy, tf, { p }) => tf.sum(tf.pow(tf.abs(tf.matMul(x, dy, true)), p), [1, 2]),
 *     });
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, lengthOf, numbersOf, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import { Collector } from './collector';
import type { Factors } from './factors';
import type { Layer } from './layer';

export interface Feature {
  readonly name: string;
  /**
   * Numbers of each batch of B images, [N/B] or [N/B, k], made from the gradient of one layer.
   * Called inside a tidy.
   */
  of(gradient: Factors, B: number, layer: Layer): Tensor;
  /** How it was defined, where it was by `defineFeature`. */
  readonly definition?: FeatureDefinition;
}

/** Plain data, as JSON writes it. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/** Numbers and words that a feature is given: part of what it is. */
export type FeatureOptions = { readonly [name: string]: Json };

export interface FeatureDefinition<O extends FeatureOptions = FeatureOptions> {
  readonly name: string;
  readonly options?: O;
  /** [N/B] or [N/B, k] of x [N/B, T, I] and dy [N/B, T, O]. */
  ofLayer(x: Tensor, dy: Tensor, engine: typeof tf, options: O): Tensor;
}

/** The paper's feature, by the cheaper of its two forms. */
export const squaredNorm: Feature = {
  name: 'squared-norm',
  of: (gradient, B) => gradient.squaredNorms(B),
};

/** A feature from a function of what flowed in and what flowed back. */
export function defineFeature<O extends FeatureOptions = FeatureOptions>(
  definition: FeatureDefinition<O>,
): Feature {
  const { name, options = {} as O, ofLayer } = definition;
  return {
    name,
    of: (gradient, B) => {
      const { x, dy } = gradient.grouped(B);
      return ofLayer(x, dy, tf, options);
    },
    definition: { name, options, ofLayer },
  };
}

/** What a pass needs of a model. */
export interface Differentiable {
  readonly layers: readonly Layer[];
  gradients(images: Tensor, noise: Tensor, collector: Collector): Tensor;
}

/** Values of one feature of one layer, for all batches, row-major [N/B, k]. */
export interface LayerFeature {
  readonly feature: string;
  readonly layer: Layer;
  readonly k: number;
  readonly values: Float32Array;
}

export interface BatchFeatures {
  /** log p of each image in nats, [N]. */
  readonly logLikelihood: Float32Array;
  /** For each batch size asked for, in the order asked: every feature of every layer. */
  readonly byBatchSize: readonly (readonly LayerFeature[])[];
}

/** Where the columns of a batch size's matrix come from, in the order of the pass. */
interface Source {
  readonly feature: string;
  readonly layer: Layer;
  readonly operation: string;
  readonly k: number;
}

/** A pass as tensors, and what they mean. */
export class FeaturePass {
  /** For each batch size, the columns; known after the first pass. */
  private sources: Source[][] = [];

  /** @param batchSizes the sizes B of batches */
  constructor(
    private readonly model: Differentiable,
    private readonly features: readonly Feature[],
    readonly batchSizes: readonly number[],
  ) {}

  /** What the pass reads besides images and noise. */
  get variables(): readonly Tensor[] {
    return this.model.layers.map(({ variable }) => variable);
  }

  /** log p [N], and for each batch size a matrix [N/B, columns]. Called inside a tidy. */
  tensors(images: Tensor, noise: Tensor): Tensor[] {
    const n = lengthOf(images);
    const columns = new Collector((gradient, layer) => {
      const ofSizes = this.batchSizes.map((B, b) =>
        this.features.map((feature, f) => {
          const column = tf.tidy(() => {
            const value = feature.of(gradient, B, layer);
            const k = widthOf(value, n / B, feature.name, layer.name);
            return tf.reshape(value, [n / B, k]); // [N/B, k]
          });
          return [`${b} ${f}`, column] as const;
        }),
      );
      return Object.fromEntries(ofSizes.flat());
    });
    try {
      const logLikelihood = this.model.gradients(images, noise, columns);
      const sizes = this.batchSizes.map((_, b) =>
        [...columns.byLayer].flatMap(([layer, tensors]) =>
          this.features.map(({ name }, f) => {
            const column = tensors[`${b} ${f}`];
            if (column === undefined) throw new Error(`no column of feature '${name}'`);
            const operation = columns.operationOf(layer);
            return { column, source: { feature: name, layer, operation, k: lengthOf(column, 1) } };
          }),
        ),
      );
      this.sources = sizes.map((found) => found.map(({ source }) => source));
      const matrices = sizes.map((found, b) =>
        found.length === 0
          ? tf.zeros([n / at(this.batchSizes, b), 0])
          : tf.concat(
              found.map(({ column }) => column),
              1,
            ),
      ); // [N/B, Σk] each
      return [logLikelihood, ...matrices];
    } finally {
      columns.dispose();
    }
  }

  /**
   * The numbers of {@link tensors} by feature and layer, in the model's order.
   * @throws {FisherlabError} if one is not finite, naming tensor, image and operation
   */
  read([logLikelihood, ...matrices]: readonly Float32Array[]): BatchFeatures {
    if (logLikelihood === undefined) throw new Error('a pass gives log-likelihoods at least');
    const order = new Map(this.model.layers.map((layer, j) => [layer, j]));
    const placeOf = (layer: Layer) => order.get(layer) ?? Number.POSITIVE_INFINITY;
    const byBatchSize = this.batchSizes.map((B, b) => {
      const sources = this.sources[b] ?? [];
      const matrix = at(matrices, b);
      const width = sources.reduce((sum, { k }) => sum + k, 0);
      let first = 0;
      const columns = sources.map(({ feature, layer, operation, k }) => {
        const values = columnsOf(matrix, width, first, k);
        first += k;
        assertFinite(values, k, B, feature, layer.name, operation);
        return { feature, layer, k, values };
      });
      return columns.sort((one, other) => placeOf(one.layer) - placeOf(other.layer));
    });
    return { logLikelihood, byBatchSize };
  }
}

/**
 * One pass: every feature of every layer that is not frozen, for each batch size.
 * @param images [N, H, W, C]; N is a multiple of every batch size
 * @throws {FisherlabError} if a value is not finite (naming tensor, image and operation), or a
 *   feature's shape is wrong
 */
export function batchFeatures(
  model: Differentiable,
  images: Tensor,
  noise: Tensor,
  features: readonly Feature[],
  batchSizes: readonly number[],
): BatchFeatures {
  const n = lengthOf(images);
  const indivisible = batchSizes.find((B) => n % B !== 0);
  if (indivisible !== undefined)
    throw new FisherlabError(
      `${n} images do not make whole batches of ${indivisible}`,
      'leave out the rest',
    );
  if (n === 0) return { logLikelihood: new Float32Array(0), byBatchSize: batchSizes.map(() => []) };
  const pass = new FeaturePass(model, features, batchSizes);
  return pass.read(tf.tidy(() => pass.tensors(images, noise).map(numbersOf)));
}

/** The smallest number of images that makes whole batches of every size. */
export function leastCommonMultiple(batchSizes: readonly number[]): number {
  return batchSizes.reduce((a, b) => (a * b) / gcd(a, b), 1);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Columns `first` to `first + k` of a matrix of rows of `width`, row-major. */
function columnsOf(matrix: Float32Array, width: number, first: number, k: number): Float32Array {
  const rows = width === 0 ? 0 : matrix.length / width;
  const values = new Float32Array(rows * k);
  for (let row = 0; row < rows; row++)
    values.set(matrix.subarray(row * width + first, row * width + first + k), row * k);
  return values;
}

function widthOf(value: Tensor, rows: number, feature: string, layer: string): number {
  const [first, k = 1, ...more] = value.shape;
  if (first !== rows || more.length > 0) {
    throw new FisherlabError(
      `feature '${feature}' gives shape [${value.shape.join(', ')}] for layer '${layer}'`,
      `return [${rows}] or [${rows}, k]: one row a batch`,
    );
  }
  return k;
}

function assertFinite(
  values: Float32Array,
  k: number,
  B: number,
  feature: string,
  layer: string,
  operation: string,
): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const first = Math.floor(bad / k) * B;
  const where = B === 1 ? `image ${first}` : `images ${first} to ${first + B - 1}`;
  throw new FisherlabError(
    `${feature} of tensor '${layer}' (${operation}) is ${values[bad]} at ${where} of the batch`,
    'look for damaged weights or images',
  );
}
