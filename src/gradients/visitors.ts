/**
 * # Visitors: what one pass can bring home
 *
 * A visitor sees every layer's gradient once, in factored form, while the backward pass goes by.
 * These functions make the usual ones. Each collects a tensor a layer and is read once, at the end:
 *
 * | visitor | tensor of a layer | for |
 * |---|---|---|
 * | `summedGradients()` | Σ_n ∂l_n/∂θ_j, of the layer's size | training |
 * | `groupNorms(B)` | ‖∂/∂θ_j Σ_{b in group} l_b‖², [N/B] | the method |
 * | `gradientsOf(choice)` | ∂l_n/∂θ_{j,i} of chosen weights i, [N, m] | the Fisher information |
 * | `grams(B)` | ⟨g_a, g_b⟩ between groups a and b, [N/B, N/B] | exact Fisher norms |
 * | `ofFactors(f, B)` | f(x, dy), anything | features of one's own |
 *
 *     const norms = groupNorms(1);
 *     const logLikelihood = model.gradients(images, noise, norms.visitor);
 *     const byName = norms.read();   // Map: name of the layer -> numbers; frees the tensors
 *
 * `squaredNorms` does all of it for any number of images, as many at once as memory allows.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { FisherlabError, tf } from '../backend/index';
import type { Factors } from './factors';
import { type FeaturePasses, featurePasses } from './feature-passes';
import { type Differentiable, squaredNorm } from './features';
import type { Layer } from './layer';
import type { Visitor } from './tape';

/** A visitor and what it has collected. */
export class Collector {
  /**
   * A tensor for each layer that was visited, in the order of the visits. Freed by `read` or
   * `dispose`.
   */
  readonly found = new Map<Layer, Tensor>();
  private readonly operations = new Map<Layer, string>();

  /** @param of makes a layer's tensor, inside a tidy; null: nothing of this layer */
  constructor(
    private readonly of: (gradient: Factors, layer: Layer) => Tensor | null,
    /**
     * How many images each entry along the first axis stands for; 0 where that axis is not of
     * images.
     */
    private readonly imagesAnEntry: number,
  ) {}

  readonly visitor: Visitor = (layer, gradient) => {
    const value = tf.tidy(() => this.of(gradient, layer) as Tensor) as Tensor | null;
    if (value === null) return;
    this.found.set(layer, tf.keep(value));
    this.operations.set(layer, gradient.operation);
  };

  /**
   * All numbers by name of the layer, in one transfer; frees the tensors.
   * @throws FisherlabError naming tensor, image and operation where a number is not finite
   */
  read(): Map<string, Float32Array> {
    try {
      const entries = [...this.found];
      const flat = transfer(entries.map(([, tensor]) => tensor));
      const numbers = new Map<string, Float32Array>();
      let offset = 0;
      for (const [layer, tensor] of entries) {
        const own = flat.slice(offset, offset + tensor.size);
        offset += tensor.size;
        this.assertFinite(layer, own, tensor.shape[0] ?? 1);
        numbers.set(layer.name, own);
      }
      return numbers;
    } finally {
      this.dispose();
    }
  }

  dispose(): void {
    tf.dispose([...this.found.values()]);
    this.found.clear();
  }

  private assertFinite(layer: Layer, numbers: Float32Array, entries: number): void {
    const bad = numbers.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return;
    const first = Math.floor(bad / (numbers.length / entries)) * this.imagesAnEntry;
    const last = first + this.imagesAnEntry - 1;
    const where =
      this.imagesAnEntry === 0
        ? ''
        : first === last
          ? ` at image ${first}`
          : ` at images ${first} to ${last}`;
    const damaged = tf.tidy(
      () => (tf.all(tf.isFinite(layer.variable)).dataSync()[0] as number) === 0,
    );
    throw new FisherlabError(
      `the gradient of tensor '${layer.name}' (${this.operations.get(layer)})${where} is ${numbers[bad]}`,
      damaged
        ? 'its own values are not finite: load another checkpoint'
        : 'look for damaged weights or images',
    );
  }
}

function transfer(tensors: readonly Tensor[]): Float32Array {
  if (tensors.length === 0) return new Float32Array(0);
  return tf.tidy(() =>
    tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))).dataSync(),
  ) as Float32Array;
}

/** Gradients summed over the images, in the shape of each layer's variable. */
export function summedGradients(): Collector {
  return new Collector((gradient, layer) => tf.reshape(gradient.total(), layer.variable.shape), 0);
}

/** Squared norms for each group of B images, [N/B]. */
export function groupNorms(B: number): Collector {
  return new Collector((gradient) => gradient.squaredNorms(B), B);
}

/** Inner products between the gradients of groups of B images, [N/B, N/B]. */
export function grams(B: number): Collector {
  return new Collector((gradient) => gradient.gram(B), B);
}

/**
 * Gradients of chosen weights for each image, [N, m].
 * @param choice for each layer by name, the positions of its weights in the layer's (flat)
 *   variable; other layers are passed over
 */
export function gradientsOf(choice: ReadonlyMap<string, readonly number[]>): Collector {
  return new Collector((gradient, layer) => {
    const positions = choice.get(layer.name);
    return positions === undefined ? null : gradient.chosen(checked(positions, layer));
  }, 1);
}

/**
 * `f` of what flowed in, [N/B, T, I], and what flowed back, [N/B, T, O]. Whatever its shape, its
 * first axis is taken for the groups.
 */
export function ofFactors(f: (x: Tensor, dy: Tensor) => Tensor, B = 1): Collector {
  return new Collector((gradient) => {
    const { x, dy } = gradient.grouped(B);
    return f(x, dy);
  }, B);
}

function checked(positions: readonly number[], layer: Layer): readonly number[] {
  const bad = positions.find(
    (position) => !Number.isInteger(position) || position < 0 || position >= layer.variable.size,
  );
  if (bad === undefined) return positions;
  throw new FisherlabError(
    `tensor '${layer.name}' has no weight ${bad}`,
    `choose among 0 to ${layer.variable.size - 1}`,
  );
}

export interface SquaredNorms {
  /** log p of each image that is in a full group, in nats, [G·B]. */
  readonly logLikelihood: Float32Array;
  /** Row-major [G, J]. */
  readonly norms: Float32Array;
  /** The J layers that are not frozen, by name, in the model's order. */
  readonly layers: readonly string[];
  /** How many images at the end did not fill a group and were left out. */
  readonly dropped: number;
}

/**
 * ‖∂/∂θ_j Σ_b log p(x_b)‖² for each of the G = ⌊N/B⌋ groups of B consecutive images and each layer.
 * Cost grows with N, memory does not.
 * @param images [N, H, W, C] in pixel values
 * @param noise [N, …], the model's noise for these images
 * @param passes the way to go over them; chosen from memory, model and their number
 * @throws FisherlabError naming tensor, image and operation where a gradient is not finite
 */
export function squaredNorms(
  model: Differentiable,
  images: Tensor,
  noise: Tensor,
  B: number,
  passes?: FeaturePasses,
): SquaredNorms {
  if (!Number.isInteger(B) || B < 1)
    throw new FisherlabError(
      `a group of ${B} images makes no sense`,
      'B is a whole number from 1 on',
    );
  const n = images.shape[0] as number;
  const groups = Math.floor(n / B);
  const dropped = n - groups * B;
  if (dropped > 0)
    console.warn(
      `fisherlab: the last ${dropped} of ${n} images do not fill a group of ${B} and are left out`,
    );
  const learned = model.layers.filter((layer) => !layer.frozen);
  const logLikelihood = new Float32Array(groups * B);
  const norms = new Float32Array(groups * learned.length);
  if (groups === 0)
    return { logLikelihood, norms, layers: learned.map((layer) => layer.name), dropped };
  const part = (start: number, count: number) => ({
    images: tf.slice(images, start, count),
    noise: tf.slice(noise, start, count),
  });
  const { atOnce, run } =
    passes ?? featurePasses(model, [squaredNorm], [B], groups * B, (count) => part(0, count));
  for (let start = 0; start < groups * B; start += atOnce) {
    const { images: some, noise: own } = part(start, Math.min(atOnce, groups * B - start));
    try {
      const found = run(some, own);
      logLikelihood.set(found.logLikelihood, start);
      const column = new Map(found.byBatchSize[0]?.map(({ layer, values }) => [layer, values]));
      learned.forEach((layer, j) => {
        column.get(layer)?.forEach((value, g) => {
          norms[(start / B + g) * learned.length + j] = value;
        });
      });
    } finally {
      tf.dispose([some, own]);
    }
  }
  return { logLikelihood, norms, layers: learned.map((layer) => layer.name), dropped };
}
