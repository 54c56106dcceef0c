/**
 * # Glow
 *
 * A normalising flow (Kingma & Dhariwal 2018, arXiv 1807.03039; the paper's code builds on a
 * PyTorch version by J. van Amersfoort): an invertible map f from images to latents, so that the
 * likelihood is exact,
 *
 *     log p(x) = log N(f(x)) + log|det ∂f/∂x|.  (eq:flow)
 *
 * L levels; a level squeezes 2x2 pixels into channels, does K steps, then splits off half of the
 * channels as latents (not after the last level). A step is
 *
 *     actnorm      y = (x + b)·eˢ
 *     1x1 conv     z = W y,  W = P L U
 *     coupling     [a, (b + shift(a))·sigmoid(raw(a) + 2)]
 *
 * where a network of three convolutions of `hidden` channels makes shift and raw.
 *
 * The latents that are split off have a Gaussian density, whose mean and deviation are computed
 * from the remaining half; the last ones have a learned Gaussian (`learn_top_fn`). Images are
 * dequantised, `x/256 − ½ + u/256` with u uniform in [0, 1), so `log p` is in nats for 8-bit
 * pixels: `Σ logdets + Σ Gaussians − HWC·ln 256`.
 *
 * Its tensors are declared in `glow-tensors.ts`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, convolve, deriveSeed, lengthOf, noiseByIndex, pair, tf } from '../../backend/index';
import { FisherlabError } from '../../errors';
import {
  actnormLuConvolution,
  coupling,
  couplingNetwork,
  gaussianLogDensity,
  hiddenLayer,
  joinChannels,
  type Layer,
  rearrange,
  type ScaledConvolution,
  sameWindow,
  splitChannels,
  squeeze,
  sum,
  Tape,
  unsqueeze,
  type Value,
} from '../../gradients/index';
import { LayerList } from '../layer-list';
import { checkImages, type ImageShape, TapedModel } from '../model';
import type { GlowConfig } from './glow-family';
import { gaussianSample, splitGaussian, topGaussian } from './glow-gaussians';
import { normaliseBy } from './glow-initial';
import { inverseStep } from './glow-inverse';
import { type GlowTensors, glowTensors, type Step } from './glow-tensors';

/** The parts of a log-likelihood, each [N]: baselines look at them one by one. */
export interface GlowParts {
  readonly logDet: Tensor;
  readonly prior: Tensor;
}

export class Glow extends TapedModel {
  readonly family = 'glow';
  /** Its noise is that of dequantisation. */
  override readonly dequantises = true;
  readonly imageShape: ImageShape;
  readonly layers: readonly Layer[];
  /** Of every 1x1 convolution the fixed permutation `p` and the fixed signs `sign_s`. */
  readonly buffers: readonly Layer[];
  private readonly levels: GlowTensors['levels'];
  private readonly top: ScaledConvolution;

  /** @param tensors the list that its tensors are declared in */
  constructor(
    readonly config: GlowConfig,
    tensors = new LayerList(config.seed),
  ) {
    super();
    const { imageShape, L } = config;
    const [h, w, channels] = imageShape;
    if (h % 2 ** L !== 0 || w % 2 ** L !== 0) {
      throw new FisherlabError(
        `Glow with ${L} levels cannot take images of ${h}x${w}`,
        `height and width must be multiples of ${2 ** L}`,
      );
    }
    this.imageShape = imageShape;
    const { levels, top } = glowTensors(tensors, channels, config);
    this.levels = levels;
    this.top = top;
    this.layers = tensors.layers;
    this.buffers = tensors.buffers;
  }

  /** Numbers of the learned Gaussian at a position of the last latents: means and deviations. */
  get topChannels(): number {
    return this.top.bias.variable.size;
  }

  /** Uniform noise in [0, 1), added to the pixels, [N, H, W, C]. */
  override noise(indices: readonly number[], seed: number): Tensor {
    const [h, w, c] = this.imageShape;
    return tf.tensor4d(noiseByIndex('uniform', seed, indices, h * w * c), [
      indices.length,
      h,
      w,
      c,
    ]);
  }

  override trace(tape: Tape, images: Value, noise: Tensor): Value {
    const { logDets, priors } = this.traceParts(tape, images, noise);
    const [h, w, c] = this.imageShape;
    const constant = tape.constant(tf.fill([lengthOf(images)], -h * w * c * Math.log(256)));
    return sum(tape, [...logDets, ...priors, constant]);
  }

  /** The two parts of log p apart, each [N]: log-determinants (with −HWC·ln 256) and Gaussians. */
  parts(images: Tensor, noise: Tensor): GlowParts {
    checkImages(this, images);
    const [h, w, c] = this.imageShape;
    return tf.tidy(() => {
      const tape = new Tape();
      const { logDets, priors } = this.traceParts(tape, tape.constant(images), noise);
      return {
        logDet: tf.sub(sum(tape, logDets).tensor, h * w * c * Math.log(256)),
        prior: sum(tape, priors).tensor,
      };
    });
  }

  /**
   * The latents, one tensor a level: what the level split off, and last what came out at the top,
   * [N, h, w, c].
   */
  latents(images: Tensor, noise: Tensor): Tensor[] {
    checkImages(this, images);
    return tf.tidy(() => {
      const tape = new Tape();
      return this.traceParts(tape, tape.constant(images), noise).latents.map((z) => z.tensor);
    });
  }

  /** The images (pixel values with the noise in them) whose latents these are. */
  inverse(latents: readonly Tensor[]): Tensor {
    return tf.tidy(() => {
      let z = at(latents, latents.length - 1);
      for (let level = this.levels.length - 1; level >= 0; level--) {
        const { steps, split } = at(this.levels, level);
        if (split !== null) z = tf.concat([z, at(latents, level)], 3); // [N, h, w, c]
        for (let k = steps.length - 1; k >= 0; k--) z = inverseStep(at(steps, k), z);
        z = unsqueeze(z);
      }
      return tf.mul(tf.add(z, 0.5), 256);
    });
  }

  /**
   * Draws latents from the model's Gaussians and inverts.
   * @param temperature scales the Gaussians' deviations; 1 samples the model itself
   */
  override sample(n: number, seed: number, temperature = 1): Tensor {
    return tf.tidy(() =>
      tf.clipByValue(tf.floor(this.sampleContinuous(n, seed, temperature)), 0, 255),
    );
  }

  /**
   * As {@link sample}, before rounding: pixel values with their dequantisation noise in them, which
   * may lie outside of 0…256. Over these the score has mean 0.
   */
  sampleContinuous(n: number, seed: number, temperature = 1): Tensor {
    return tf.tidy(() => {
      const tape = new Tape();
      let z: Tensor = tf.tensor([0]);
      for (let level = this.levels.length - 1; level >= 0; level--) {
        const { steps, split } = at(this.levels, level);
        if (split === null) {
          const [mean, logs] = this.topGaussian(tape, n);
          z = gaussianSample(mean.tensor, logs.tensor, deriveSeed(seed, level), temperature);
        } else {
          const [mean, logs] = splitGaussian(tape, tape.constant(z), split);
          z = tf.concat(
            [z, gaussianSample(mean.tensor, logs.tensor, deriveSeed(seed, level), temperature)],
            3,
          ); // [N, h, w, c]
        }
        for (let k = steps.length - 1; k >= 0; k--) z = inverseStep(at(steps, k), z);
        z = unsqueeze(z);
      }
      return tf.mul(tf.add(z, 0.5), 256);
    });
  }

  /**
   * Data-dependent initialisation (Kingma & Dhariwal 2018, §3.1): every actnorm starts with outputs
   * of mean 0 and deviation 1 on this batch.
   */
  override initialise(images: Tensor, seed: number): void {
    tf.tidy(() => {
      const tape = new Tape();
      const noise = this.noise([...Array(images.shape[0]).keys()], seed);
      this.traceParts(tape, tape.constant(images), noise, (step, x) => {
        normaliseBy(step.bias, step.logs, x.tensor);
        const { z } = actnormLuConvolution(tape, x, step.bias, step.logs, step.lu);
        let [n] = pair(tf.split(z.tensor, 2, 3)); // [N, h, w, c/2]
        for (const layers of step.hidden) {
          normaliseBy(
            layers.bias,
            layers.logs,
            convolve(n, layers.weight.variable, sameWindow(layers)),
          );
          n = hiddenLayer(n, layers);
        }
      });
    });
  }

  /** @param before looks at each step and its input before the step is computed */
  private traceParts(
    tape: Tape,
    images: Value,
    noise: Tensor,
    before: (step: Step, x: Value) => void = () => {},
  ): { logDets: Value[]; priors: Value[]; latents: Value[] } {
    const logDets: Value[] = [];
    const priors: Value[] = [];
    const latents: Value[] = [];
    let z = tape.apply({
      inputs: [images],
      output: tf.tidy(() => tf.sub(tf.div(tf.add(images.tensor, noise), 256), 0.5)),
      back: (dy) => [tf.div(dy, 256)],
    });
    for (const { steps, split } of this.levels) {
      z = rearrange(tape, z, squeeze, unsqueeze);
      for (const step of steps) {
        before(step, z);
        const [next, mixing, scaling] = tape.block(() => this.forwardStep(tape, step, z));
        logDets.push(mixing, scaling);
        z = next;
      }
      if (split !== null) {
        const [kept, off] = splitChannels(tape, z, lengthOf(z, 3) / 2);
        const [mean, logs] = splitGaussian(tape, kept, split);
        priors.push(gaussianLogDensity(tape, off, mean, logs));
        latents.push(off);
        z = kept;
      }
    }
    const [mean, logs] = this.topGaussian(tape, lengthOf(z));
    priors.push(gaussianLogDensity(tape, z, mean, logs));
    latents.push(z);
    return { logDets, priors, latents };
  }

  private forwardStep(tape: Tape, step: Step, x: Value): [Value, Value, Value] {
    const { z, logDet } = actnormLuConvolution(tape, x, step.bias, step.logs, step.lu);
    const [a, b] = splitChannels(tape, z, lengthOf(z, 3) / 2);
    const { y, logDet: scaling } = coupling(
      tape,
      b,
      couplingNetwork(tape, a, step.hidden, step.last),
    );
    return [joinChannels(tape, a, y), logDet, scaling];
  }

  private topGaussian(tape: Tape, n: number): [Value, Value] {
    const [h, w] = this.imageShape;
    const halved = 2 ** this.levels.length;
    return topGaussian(tape, this.top, [n, h / halved, w / halved]);
  }
}
