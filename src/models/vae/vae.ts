/**
 * # Variational autoencoder
 *
 * A decoder makes an image from a latent z ~ N(0, 1); an encoder infers the latent from the image
 * (Kingma & Welling 2014, arXiv 1312.6114):
 *
 *     q(z|x) = N(mu(x), e^{2s(x)}),   x̂ = decoder(z),   z = mu + e^s ε.
 *
 * The paper's objective, which takes the place of the log-likelihood in its method, is
 *
 *     −( Σ (x − x̂)² + Σ (mu² + e^{2s} − 1)/2 − s ),  (eq:vae-objective)
 *
 * a one-sample evidence lower bound with a Gaussian p(x|z) of variance ½, without its constants.
 * With a stated variance it bounds log p, and with more latents more tightly: `vae-bounds.ts`.
 *
 * Encoder: convolutions 3x3 of stride 2, batch norm, LeakyReLU; two dense layers. Decoder: its
 * mirror of transposed convolutions, one more of the same width, a convolution, tanh/2. Batch norm
 * runs on stored statistics except in training. At the paper's five stages (32 … 512 channels,
 * latent 64): 48 tensors, 3 247 843 parameters.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, deriveSeed, lengthOf, noiseByIndex, normals, numberOf, tf } from '../../backend/index';
import { FisherlabError } from '../../errors';
import type { Layer } from '../../gradients/index';
import {
  batchNorm,
  batchNormTraining,
  convolution,
  dense,
  followBatch,
  gaussianLatent,
  leakyRelu,
  rearrange,
  scale,
  squaredError,
  sum,
  Tape,
  tanh,
  transposedConvolution,
  type Value,
} from '../../gradients/index';
import { LayerList } from '../layer-list';
import { bitsPerDim, checkImages, type ImageShape, TapedModel } from '../model';
import {
  type BoundOptions,
  elbo,
  importanceWeightedBound,
  type TapedCoder,
  toUnit,
} from './vae-bounds';
import type { VaeConfig } from './vae-family';
import { type VaeTensors, vaeTensors } from './vae-tensors';

type Normalise = typeof batchNorm;

const SLOPE = 0.01;

/**
 * E u², u uniform in [0, 1/256): how far dequantised pixels are from whole ones, so that no fitted
 * variance is 0.
 */
const DEQUANTISED = 1 / (3 * 256 ** 2);

export class Vae extends TapedModel {
  readonly family = 'vae';
  readonly imageShape: ImageShape;
  readonly layers: readonly Layer[];
  /** Running mean, running variance and number of batches of every batch norm. */
  readonly buffers: readonly Layer[];
  private readonly tensors: VaeTensors;
  /** Height, width and channels of the encoder's last map. */
  private readonly inner: readonly [number, number, number];

  /** @param tensors the list that its tensors are declared in */
  constructor(
    readonly config: VaeConfig,
    tensors = new LayerList(config.seed),
  ) {
    super();
    const { imageShape, channels } = config;
    const [h, w] = imageShape;
    const factor = 2 ** channels.length;
    if (channels.length === 0)
      throw new FisherlabError(
        'a VAE needs at least one stage',
        "give 'channels', say [32, 64, 128]",
      );
    if (h % factor !== 0 || w % factor !== 0) {
      throw new FisherlabError(
        `a VAE of ${channels.length} stages cannot take images of ${h}x${w}`,
        `height and width must be multiples of ${factor}`,
      );
    }
    this.imageShape = imageShape;
    const widest = at(channels, channels.length - 1);
    this.inner = [h / factor, w / factor, widest];
    this.tensors = vaeTensors(tensors, config, this.inner);
    this.layers = tensors.layers;
    this.buffers = tensors.buffers;
  }

  override get loss(): { readonly unit: string; readonly scale: number } {
    return { unit: 'squared error + KL', scale: 1 };
  }

  /** Standard normal numbers for the latents, [N, latent]. */
  override noise(indices: readonly number[], seed: number): Tensor {
    const { latent } = this.config;
    return tf.tensor2d(noiseByIndex('normal', seed, indices, latent), [indices.length, latent]);
  }

  /** The paper's objective, [N]. */
  override trace(tape: Tape, images: Value, noise: Tensor): Value {
    return this.objective(tape, images, noise, batchNorm);
  }

  /** The same on the statistics of the batch, which the stored ones {@link follow}. */
  override trainingTrace(tape: Tape, images: Value, noise: readonly Tensor[]): Value {
    return this.objective(tape, images, at(noise, 0), batchNormTraining);
  }

  override trainingNoise(count: number, seed: number): Tensor[] {
    return [tf.tensor2d(normals(seed, count * this.config.latent), [count, this.config.latent])];
  }

  override follow(observed: ReadonlyMap<Layer, Tensor>): void {
    const { encoder, decoder } = this.tensors;
    for (const { norm } of [...encoder, ...decoder]) followBatch(norm, observed);
  }

  /** Mean and log-deviation of the latents of images, [N, latent] each. */
  encode(images: Tensor): { mu: Tensor; logs: Tensor } {
    checkImages(this, images);
    return tf.tidy(() => {
      const tape = new Tape();
      const { mu, logs } = this.traceEncoder(tape, toUnit(tape, tape.constant(images)), batchNorm);
      return { mu: mu.tensor, logs: logs.tensor };
    });
  }

  /** The decoder's mean for latents [N, latent], pixel values (not rounded), [N, H, W, C]. */
  decode(latents: Tensor): Tensor {
    return tf.tidy(() => {
      const tape = new Tape();
      return tf.mul(
        tf.add(this.traceDecoder(tape, tape.constant(latents), batchNorm).tensor, 0.5),
        256,
      );
    });
  }

  /**
   * The images as the decoder sees them through their latents, pixel values (not rounded), [N, H,
   * W, C]. `noise` as for {@link logLikelihood}.
   */
  reconstruct(images: Tensor, noise: Tensor): Tensor {
    return tf.tidy(() => {
      const { mu, logs } = this.encode(images);
      return this.decode(tf.add(mu, tf.mul(tf.exp(logs), noise)));
    });
  }

  /**
   * Images of `n` latents from the prior, pixel values 0…255, [n, H, W, C]. The decoder's mean;
   * p(x|z)'s own noise is left out.
   */
  override sample(n: number, seed: number): Tensor {
    return tf.tidy(() => {
      const z = tf.tensor2d(normals(seed, n * this.config.latent), [n, this.config.latent]);
      return tf.clipByValue(tf.floor(this.decode(z)), 0, 255);
    });
  }

  /**
   * The evidence lower bound on log p of the 8-bit images, in nats, a mean over `samples` (default
   * 1), [N]. Dequantisation and latents are drawn from `seed`.
   */
  elbo(images: Tensor, seed: number, options: BoundOptions = {}): Tensor {
    return elbo(this.coder, images, seed, options);
  }

  /**
   * The importance-weighted bound on log p of the 8-bit images, in nats, [N]; default 64 samples.
   * Dequantised images and latents are those of {@link elbo} at the same seed.
   */
  importanceWeightedBound(images: Tensor, seed: number, options: BoundOptions = {}): Tensor {
    return importanceWeightedBound(this.coder, images, seed, options);
  }

  /**
   * Mean squared error of the reconstructions, where pixels span 1: the variance of p(x|z) that
   * fits these images best. `noise` as for {@link logLikelihood}.
   */
  residualVariance(images: Tensor, noise: Tensor): number {
    return tf.tidy(() => {
      const error = tf.sub(images, this.reconstruct(images, noise));
      return numberOf(tf.mean(tf.square(tf.div(error, 256))));
    });
  }

  /**
   * By the {@link elbo}, with the variance that fits these images best (½, the paper's, wastes
   * bits), [N]. One number fitted to all their pixels gains next to nothing.
   */
  override bitsPerDim(images: Tensor, seed: number): Tensor {
    return tf.tidy(() => {
      const indices = Array.from({ length: lengthOf(images) }, (_, k) => k);
      const variance =
        this.residualVariance(images, this.noise(indices, deriveSeed(seed, 0))) + DEQUANTISED;
      return tf.mul(
        this.elbo(images, deriveSeed(seed, 1), { variance }),
        bitsPerDim(1, this.imageShape),
      );
    });
  }

  /** Encoder and decoder as they are outside of training. */
  private get coder(): TapedCoder {
    return {
      family: this.family,
      imageShape: this.imageShape,
      latent: this.config.latent,
      encode: (tape, x) => this.traceEncoder(tape, x, batchNorm),
      decode: (tape, z) => this.traceDecoder(tape, z, batchNorm),
    };
  }

  private objective(tape: Tape, images: Value, noise: Tensor, normalise: Normalise): Value {
    const x = toUnit(tape, images);
    const { mu, logs } = this.traceEncoder(tape, x, normalise);
    const { z, kl } = gaussianLatent(tape, mu, logs, noise);
    const error = squaredError(tape, x, this.traceDecoder(tape, z, normalise));
    return scale(tape, sum(tape, [error, kl]), -1);
  }

  private traceEncoder(tape: Tape, x: Value, normalise: Normalise): { mu: Value; logs: Value } {
    const map = this.tensors.encoder.reduce(
      (h, { weight, bias, norm }) =>
        tape.block(() =>
          leakyRelu(
            tape,
            normalise(tape, convolution(tape, h, weight, bias, { stride: 2, pad: 1 }), norm),
            SLOPE,
          ),
        ),
      x,
    );
    const flat = rearrange(tape, map, toVector, (y) => toMap(y, this.inner)); // [N, size]
    return {
      mu: dense(tape, flat, this.tensors.mu.weight, this.tensors.mu.bias),
      logs: dense(tape, flat, this.tensors.logs.weight, this.tensors.logs.bias),
    };
  }

  private traceDecoder(tape: Tape, z: Value, normalise: Normalise): Value {
    const flat = dense(tape, z, this.tensors.start.weight, this.tensors.start.bias);
    const map = this.tensors.decoder.reduce(
      (h, { weight, bias, norm }) =>
        tape.block(() => {
          const wider = transposedConvolution(tape, h, weight, bias, {
            stride: 2,
            pad: 1,
            outputPad: 1,
          });
          return leakyRelu(tape, normalise(tape, wider, norm), SLOPE);
        }),
      rearrange(tape, flat, (y) => toMap(y, this.inner), toVector),
    );
    return scale(
      tape,
      tanh(
        tape,
        convolution(tape, map, this.tensors.last.weight, this.tensors.last.bias, { pad: 1 }),
      ),
      0.5,
    );
  }
}

/** [N, H, W, C] to [N, C·H·W], in PyTorch's order: the channel is the slowest. */
function toVector(map: Tensor): Tensor {
  return tf.reshape(tf.transpose(map, [0, 3, 1, 2]), [lengthOf(map), -1]); // [N, C·H·W]
}

/** Undoes {@link toVector}. */
function toMap(vector: Tensor, [h, w, c]: readonly [number, number, number]): Tensor {
  const map = tf.reshape(vector, [lengthOf(vector), c, h, w]); // [N, C, H, W]
  return tf.transpose(map, [0, 2, 3, 1]); // [N, H, W, C]
}
