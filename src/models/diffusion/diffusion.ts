/**
 * # Denoising diffusion model
 *
 * Noise is mixed into an image, `x_t = √ᾱ_t x + √(1−ᾱ_t) ε`, and a network learns to say which (Ho
 * et al. 2020, arXiv 2006.11239). What stands for the log-likelihood in the paper's method is how
 * well it does at one fixed timestep,
 *
 *     l(x) = −mean |ε − ε̂(x_t, t)|,
 *
 * the mean over pixels and channels, with the noise ε given. The paper's tables use the first
 * timestep, index t = 0, where next to nothing is mixed in: a surrogate for log p(x_0 | x_1).
 * Training uses the same loss with a t for each image, uniform over the timesteps. The network is
 * `unet.ts`, ᾱ is in `noise-schedule.ts`; sampling and the full variational bound on log p are in
 * `diffusion-process.ts`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import {
  at,
  deriveSeed,
  Graph,
  lengthOf,
  noiseByIndex,
  pair,
  tf,
  uniformAt,
} from '../../backend/index';
import { FisherlabError } from '../../errors';
import {
  bytesPerImage,
  graphPays,
  imagesOfAPart,
  type Layer,
  meanAbsoluteError,
  noised,
  scale,
  Tape,
  type Value,
} from '../../gradients/index';
import { checkImages, type ImageShape, TapedModel } from '../model';
import type { DiffusionConfig } from './diffusion-family';
import { ancestral, type Denoiser, ddim, variationalBound } from './diffusion-process';
import { type NoiseSchedule, sigmoidSchedule } from './noise-schedule';
import { UNet } from './unet';

export interface DiffusionSampling {
  /**
   * `ancestral` draws from the model itself; `ddim` follows a path without noise, in fewer steps.
   */
  readonly method?: 'ancestral' | 'ddim';
  /** Steps of DDIM, default 50. */
  readonly steps?: number;
}

/** Timesteps that `bitsPerDim` draws, and how many images have the same. */
const TIMESTEPS = 8;
const SAME_TIMESTEPS = 8;

export class Diffusion extends TapedModel {
  readonly family = 'diffusion';
  readonly imageShape: ImageShape;
  readonly layers: readonly Layer[];
  readonly buffers: readonly Layer[] = [];
  readonly schedule: NoiseSchedule;
  private readonly network: UNet;

  /** @param network that of another model of the same architecture, to share its layers */
  constructor(
    readonly config: DiffusionConfig,
    network?: UNet,
  ) {
    super();
    const { imageShape, dim, dimMults, timesteps, timestep, seed } = config;
    const [h, w, channels] = imageShape;
    this.schedule = sigmoidSchedule(timesteps);
    if (!Number.isInteger(timestep) || timestep < 0 || timestep >= timesteps) {
      throw new FisherlabError(
        `timestep ${timestep} is not one of the ${timesteps}`,
        `choose from 0 to ${timesteps - 1}`,
      );
    }
    this.network = network ?? new UNet({ channels, dim, dimMults, seed });
    const { divisor } = this.network;
    if (h % divisor !== 0 || w % divisor !== 0) {
      throw new FisherlabError(
        `a U-Net of ${dimMults.length} levels cannot take images of ${h}x${w}`,
        `height and width must be multiples of ${divisor}`,
      );
    }
    this.imageShape = imageShape;
    this.layers = this.network.layers;
  }

  override get isSurrogate(): boolean {
    return true;
  }

  override get loss(): { readonly unit: string; readonly scale: number } {
    return { unit: 'mean |ε − ε̂|', scale: 1 };
  }

  /** The index that `logLikelihood` looks at. */
  get timestep(): number {
    return this.config.timestep;
  }

  get timesteps(): number {
    return this.schedule.steps;
  }

  /**
   * The same model (the same layers, not copies) whose `logLikelihood` looks at timestep index t.
   */
  atTimestep(t: number): Diffusion {
    return new Diffusion({ ...this.config, timestep: t }, this.network);
  }

  /** Standard normal numbers ε, [N, H, W, C]. */
  override noise(indices: readonly number[], seed: number): Tensor {
    const [h, w, c] = this.imageShape;
    return tf.tensor4d(noiseByIndex('normal', seed, indices, h * w * c), [indices.length, h, w, c]);
  }

  /** −mean |ε − ε̂| at the configuration's timestep, [N]. */
  override trace(tape: Tape, images: Value, noise: Tensor): Value {
    const times = new Array(lengthOf(images)).fill(this.config.timestep);
    return this.objective(tape, images, [noise, ...this.conditions(times)]);
  }

  /** ε and what a timestep of each image's own comes to: see `conditions`. */
  override trainingNoise(count: number, seed: number): Tensor[] {
    return this.atOwnTimesteps(
      Array.from({ length: count }, (_, k) => k),
      seed,
    );
  }

  /** The same at a timestep of each image's own. */
  override trainingTrace(tape: Tape, images: Value, noise: readonly Tensor[]): Value {
    return this.objective(tape, images, noise);
  }

  /**
   * The training objective, timestep and noise drawn for each image's index: comparable with the
   * training loss, and the same in any batch.
   */
  override heldOut(images: Tensor, indices: readonly number[], seed: number): Tensor {
    checkImages(this, images);
    return tf.tidy(
      () =>
        this.objective(new Tape(), new Tape().constant(images), this.atOwnTimesteps(indices, seed))
          .tensor,
    );
  }

  private atOwnTimesteps(indices: readonly number[], seed: number): Tensor[] {
    const times = indices.map((k) =>
      Math.floor(this.schedule.steps * uniformAt(deriveSeed(seed, 0), k)),
    );
    return [this.noise(indices, deriveSeed(seed, 1)), ...this.conditions(times)];
  }

  /**
   * How much of the image and of the noise there is at each of `times`, [N] each, and how the
   * network is told, [N, dim].
   */
  private conditions(times: readonly number[]): Tensor[] {
    const share = times.map((t) => at(this.schedule.signal, t));
    return [
      tf.tensor1d(share.map(Math.sqrt)),
      tf.tensor1d(share.map((a) => Math.sqrt(1 - a))),
      this.network.embedding(times),
    ];
  }

  /**
   * The variational bound on −log p of 8-bit images, in bits/dim, [N], by one draw of all noise
   * from `seed`.
   * @param timesteps how many of the T − 1 middle terms to draw (unbiased); default all: T passes
   *   through the network
   */
  variationalBound(
    images: Tensor,
    seed: number,
    { timesteps = this.schedule.steps - 1 }: { timesteps?: number } = {},
  ): Tensor {
    checkImages(this, images);
    const denoise = this.denoiser(lengthOf(images), timesteps + 1);
    return this.boundBy(denoise, images, seed, timesteps);
  }

  private boundBy(denoise: Denoiser, images: Tensor, seed: number, timesteps: number): Tensor {
    const [h, w, c] = this.imageShape;
    return tf.tidy(() => {
      const start = tf.sub(tf.div(images, 127.5), 1);
      const nats = variationalBound(denoise, this.schedule, start, seed, timesteps);
      return tf.div(nats, h * w * c * Math.LN2);
    });
  }

  /**
   * The bound of {@link variationalBound} from few timesteps, [N]. Every few images draw timesteps
   * of their own: for as many passes, a mean over images is nearer than with the same for all.
   */
  override bitsPerDim(images: Tensor, seed: number): Tensor {
    checkImages(this, images);
    const timesteps = Math.min(TIMESTEPS, this.schedule.steps - 1);
    const n = lengthOf(images);
    const count = Math.ceil(n / SAME_TIMESTEPS);
    const denoise = this.denoiser(Math.min(n, SAME_TIMESTEPS), count * (timesteps + 1));
    return tf.tidy(() => {
      const parts = Array.from({ length: count }, (_, part) => {
        const from = part * SAME_TIMESTEPS;
        const some = tf.slice(images, from, Math.min(SAME_TIMESTEPS, n - from));
        return this.boundBy(denoise, some, deriveSeed(seed, part), timesteps);
      });
      return tf.concat(parts); // [N]
    });
  }

  /**
   * `n` images drawn from the model, pixel values 0…255, [n, H, W, C]. By default ancestral: T
   * passes through the network.
   */
  override sample(
    n: number,
    seed: number,
    { method = 'ancestral', steps = Math.min(50, this.schedule.steps) }: DiffusionSampling = {},
  ): Tensor {
    const shape = [n, ...this.imageShape];
    return tf.tidy(() => {
      const denoise = this.denoiser(n, method === 'ddim' ? steps : this.schedule.steps);
      const x =
        method === 'ddim'
          ? ddim(denoise, this.schedule, shape, seed, steps)
          : ancestral(denoise, this.schedule, shape, seed);
      return tf.clipByValue(tf.round(tf.mul(tf.add(x, 1), 127.5)), 0, 255);
    });
  }

  /** By DDIM. */
  override quickSample(n: number, seed: number): Tensor {
    return this.sample(n, seed, { method: 'ddim' });
  }

  /**
   * The network, asked `passes` times about `count` images: replayed as a graph where that pays.
   */
  private denoiser(count: number, passes: number): Denoiser {
    const asked = (x: Tensor, embedding: Tensor) => {
      const tape = new Tape();
      return this.network.trace(tape, tape.constant(x), embedding).tensor;
    };
    const variables = this.layers.map(({ variable }) => variable);
    const graph = this.recorded(asked, count, passes, variables);
    return (x, t) =>
      tf.tidy(() => {
        const embedding = this.network.embedding(new Array(lengthOf(x)).fill(t));
        if (graph === null) return asked(x, embedding);
        return tf.tensor(at(graph.run([x, embedding], variables).rows, 0), x.shape); // [N, H, W, C]
      });
  }

  private recorded(
    asked: (x: Tensor, embedding: Tensor) => Tensor,
    count: number,
    passes: number,
    variables: readonly Tensor[],
  ): Graph | null {
    const part = (n: number) => [
      tf.zeros([n, ...this.imageShape]),
      this.network.embedding(new Array(n).fill(0)),
    ];
    const bytes = tf.tidy(() => {
      const [images] = pair(part(2));
      return bytesPerImage(this, images, images);
    });
    if (!graphPays({ images: count * passes, bytes, layers: variables.length })) return null;
    const first = part(Math.min(count, imagesOfAPart(bytes)));
    try {
      const compute = (batch: readonly Tensor[]) => ({ rows: [asked(...pair(batch))], sums: [] });
      return Graph.of(compute, first, variables);
    } finally {
      tf.dispose(first);
    }
  }

  /** @param given ε, a and b of x_t = a x + b ε, and the embedding of t: see `conditions` */
  private objective(tape: Tape, images: Value, given: readonly Tensor[]): Value {
    const [noise, embedding] = [at(given, 0), at(given, 3)];
    const x = noised(tape, scale(tape, images, 1 / 127.5, -1), noise, at(given, 1), at(given, 2));
    return scale(tape, meanAbsoluteError(tape, noise, this.network.trace(tape, x, embedding)), -1);
  }
}
