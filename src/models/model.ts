/**
 * # A model: from images to log p(x)
 *
 * Every model has layers (named parameter tensors) and gives the log-likelihood of a batch, or the
 * surrogate that the paper uses in its place. One backward pass shows every layer's gradients to a
 * collector. Noise (dequantisation, diffusion, latent) is always an argument: there is no hidden
 * randomness.
 *
 * Images are pixel values 0…255, float32 `[N, H, W, C]`. Fractional values are allowed, since a
 * dequantised image *is* a point of the model's space. Each model scales them as its paper does.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, lengthOf, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import { Collector, type Layer, Tape, type Value } from '../gradients/index';

/** The unit of a loss that is the number of bits for one channel of one pixel. */
export const BITS_PER_DIM = 'bits/dim';

/** Height, width and channels of an image. */
export type ImageShape = readonly [number, number, number];

export interface Model {
  /** The name of its family, or a name of the user's own. */
  readonly family: string;
  /**
   * Whether `logLikelihood` is not in nats of the image but a surrogate with a unit of its own
   * (diffusion), which cannot be set against a number of bits. Left out: it is in nats.
   */
  readonly isSurrogate?: boolean;
  readonly imageShape: ImageShape;
  /** In the reference's order. */
  readonly layers: readonly Layer[];
  /**
   * Tensors that belong to the model but are not parameters (a fixed permutation, running
   * statistics): saved with the weights.
   */
  readonly buffers: readonly Layer[];
  /**
   * The noise that a batch needs; image `indices[k]` always gets the same for the same seed. The
   * caller frees it.
   */
  noise(indices: readonly number[], seed: number): Tensor;
  /** log p of each image in nats, [N]. The caller frees it. */
  logLikelihood(images: Tensor, noise: Tensor): Tensor;
  /** The same [N], after `collector` has seen the gradients of every layer that is not frozen. */
  gradients(images: Tensor, noise: Tensor, collector: Collector): Tensor;
  /** The gradient of log p with respect to the images (to pixel values), of their shape. */
  imageGradient(images: Tensor, noise: Tensor): Tensor;
  /** `n` images drawn from the model, pixel values 0…255, [n, H, W, C]. */
  sample(n: number, seed: number): Tensor;
  /** As `sample`, by a shorter way where there is one that is good enough to look at. */
  quickSample?(n: number, seed: number): Tensor;
  /** Whether its noise is nothing but dequantisation, uniform in [0, 1). */
  readonly dequantises?: boolean;
  /**
   * Of a model that is seen through a representation: what it takes for the 8-bit images `images`
   * [N, H, W, C] of these indices. Left out: their pixel values themselves.
   */
  points?(images: Tensor, indices: readonly number[], seed: number): Tensor;
}

/**
 * A model written on the operations of `src/gradients`: it states its forward pass once, on a tape.
 */
export abstract class TapedModel implements Model {
  abstract readonly family: string;
  abstract readonly imageShape: ImageShape;
  abstract readonly layers: readonly Layer[];
  abstract readonly buffers: readonly Layer[];
  readonly dequantises: boolean = false;
  abstract noise(indices: readonly number[], seed: number): Tensor;
  abstract sample(n: number, seed: number): Tensor;

  quickSample(n: number, seed: number): Tensor {
    return this.sample(n, seed);
  }

  get isSurrogate(): boolean {
    return false;
  }

  /** The forward pass: `images` [N, H, W, C] in pixel values to log p [N]. */
  abstract trace(tape: Tape, images: Value, noise: Tensor): Value;

  /**
   * All that is random in a training step of `count` images, drawn from `seed`, the images along
   * the first axis.
   */
  trainingNoise(count: number, seed: number): Tensor[] {
    return [
      this.noise(
        Array.from({ length: count }, (_, k) => k),
        seed,
      ),
    ];
  }

  /**
   * What training maximises, for each image [N]: the log-likelihood, unless the family trains on
   * something else. `noise` comes from {@link trainingNoise}.
   */
  trainingTrace(tape: Tape, images: Value, noise: readonly Tensor[]): Value {
    return this.trace(tape, images, at(noise, 0));
  }

  /**
   * How training reports itself: minus the mean objective, times `scale`. Bits a dimension, unless
   * the family trains on something else.
   */
  get loss(): { readonly unit: string; readonly scale: number } {
    return { unit: BITS_PER_DIM, scale: bitsPerDim(-1, this.imageShape) };
  }

  /**
   * The objective on images that are held out, [N]: the log-likelihood, unless the family trains on
   * something else.
   */
  heldOut(images: Tensor, indices: readonly number[], seed: number): Tensor {
    return tf.tidy(() => this.logLikelihood(images, this.noise(indices, seed)));
  }

  /**
   * Bits per dimension of 8-bit images, or an upper bound on them where log p is not to be had,
   * [N]: what families compare by. All noise is drawn from `seed`.
   */
  bitsPerDim(images: Tensor, seed: number): Tensor {
    const indices = Array.from({ length: lengthOf(images) }, (_, k) => k);
    return tf.tidy(() =>
      tf.mul(this.logLikelihood(images, this.noise(indices, seed)), bitsPerDim(1, this.imageShape)),
    );
  }

  /** Sets what is initialised from data (actnorm) from a first batch of images. */
  initialise(_images: Tensor, _seed: number): void {}

  logLikelihood(images: Tensor, noise: Tensor): Tensor {
    checkImages(this, images);
    return tf.tidy(() => this.trace(new Tape(), new Tape().constant(images), noise).tensor);
  }

  gradients(images: Tensor, noise: Tensor, collector: Collector): Tensor {
    return this.pass(images, collector, (tape, value) => this.trace(tape, value, noise));
  }

  /** As {@link gradients}, of the training objective; buffers {@link follow} the batch. */
  trainingGradients(images: Tensor, noise: readonly Tensor[], collector: Collector): Tensor {
    const { objective, observed } = this.trainingPass(images, noise, collector);
    this.follow(observed);
    tf.dispose([...observed.values()]);
    return objective;
  }

  /**
   * The same pass, which changes nothing: `objective` [N], and what each buffer is to
   * {@link follow}. The tensors are the caller's.
   */
  trainingPass(
    images: Tensor,
    noise: readonly Tensor[],
    collector: Collector,
  ): { objective: Tensor; observed: Map<Layer, Tensor> } {
    const observed = new Map<Layer, Tensor>();
    try {
      const trace = (tape: Tape, value: Value) => this.trainingTrace(tape, value, noise);
      return { objective: this.pass(images, collector, trace, observed), observed };
    } catch (error) {
      tf.dispose([...observed.values()]);
      throw error;
    }
  }

  /** Moves the buffers after a training step, where the family has any that training moves. */
  follow(_observed: ReadonlyMap<Layer, Tensor>): void {}

  private pass(
    images: Tensor,
    collector: Collector,
    trace: (tape: Tape, images: Value) => Value,
    observed?: Map<Layer, Tensor>,
  ): Tensor {
    checkImages(this, images);
    return withTape(new Tape(collector, observed), (tape) => {
      const root = trace(tape, tape.constant(images));
      const value = tf.clone(root.tensor);
      tape.backward(root);
      return value;
    });
  }

  imageGradient(images: Tensor, noise: Tensor): Tensor {
    checkImages(this, images);
    const nothing = new Collector(() => null);
    return withTape(new Tape(nothing), (tape) => {
      const input = tape.input(images);
      return at(tape.backward(this.trace(tape, input, noise), [input]), 0);
    });
  }
}

/**
 * Runs a forward and a backward pass and frees everything but what `pass` returns, also when it
 * throws.
 */
function withTape(tape: Tape, pass: (tape: Tape) => Tensor): Tensor {
  try {
    return tf.tidy(() => pass(tape));
  } finally {
    tape.dispose();
  }
}

/**
 * Checks the shape of images.
 * @throws {FisherlabError} if `images` is not [N, H, W, C] with the model's H, W and C
 */
export function checkImages(
  model: { family: string; imageShape: ImageShape },
  images: Tensor,
): void {
  const [h, w, c] = model.imageShape;
  const given = images.shape;
  if (given.length !== 4 || given[1] !== h || given[2] !== w || given[3] !== c) {
    throw new FisherlabError(
      `images have shape [${given.join(', ')}]`,
      `this ${model.family} model takes [N, ${h}, ${w}, ${c}]`,
    );
  }
}

/** Bits per dimension of a log-likelihood in nats, for images of `shape`. */
export function bitsPerDim(logLikelihood: number, [h, w, c]: ImageShape): number {
  return -logLikelihood / (h * w * c * Math.LN2);
}
