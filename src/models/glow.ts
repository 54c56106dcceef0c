/**
 * # Glow
 *
 * A normalising flow (Kingma & Dhariwal 2018, arXiv 1807.03039; the paper's code builds on a
 * PyTorch version by J. van Amersfoort): an invertible map f from images to latents, so that the
 * likelihood is exact,
 *
 *     log p(x) = log N(f(x)) + log|det ∂f/∂x|.
 *
 * L levels; a level squeezes 2x2 pixels into channels, does K steps, then splits off half of the
 * channels as latents (not after the last level). A step is
 *
 *     actnorm      y = (x + b)·eˢ
 *     1x1 conv     z = W y,  W = P L U
 *     coupling     [a, (b + shift(a))·sigmoid(raw(a) + 2)]
 *
 * where a and b are the two halves of the channels, and shift and raw come from a network of three
 * convolutions of `hidden` channels.
 *
 * Latents split off are scored by a Gaussian whose mean and deviation come from the half that goes
 * on; the last ones by a learned Gaussian (`learn_top_fn`). Images are dequantised,
 * `x/256 − ½ + u/256` with u uniform in [0, 1), so `log p` is in nats for 8-bit pixels:
 * `Σ logdets + Σ Gaussians − HWC·ln 256`.
 *
 * Tensors: 14 a step, 3 a split, 3 at the top: 14·K·L + 3(L−1) + 3 (1353 at the paper's K = 32, L =
 * 3).
 */
import type { Tensor } from '@tensorflow/tfjs';
import { LuDecomposition, Matrix } from 'ml-matrix';
import {
  at,
  convolve,
  deriveSeed,
  lengthOf,
  matMul,
  noiseByIndex,
  normals,
  numbersOf,
  pair,
  shape4,
  tf,
} from '../backend/index';
import { FisherlabError } from '../errors';
import {
  actnormLuConvolution,
  coupling,
  couplingNetwork,
  directFactors,
  gaussianLogDensity,
  hiddenLayer,
  joinChannels,
  type Layer,
  type LuLayers,
  luMatrices,
  makeLayer,
  OuterProducts,
  rearrange,
  type ScaledConvolution,
  sameWindow,
  splitChannels,
  squeeze,
  sum,
  Tape,
  unsqueeze,
  type Value,
  zeroConvolution,
} from '../gradients/index';
import { luOfRandomRotation, normaliseBy } from './glow-initial';
import { checkImages, type ImageShape, TapedModel } from './model';

export interface GlowConfig {
  readonly family: 'glow';
  readonly imageShape: ImageShape;
  /** Steps a level. */
  readonly K: number;
  /** Levels. */
  readonly L: number;
  /** Channels of the coupling networks. */
  readonly hidden: number;
  /** Seeds the initial weights, and the fixed permutations and signs of the 1x1 convolutions. */
  readonly seed: number;
}

interface Step {
  readonly bias: Layer;
  readonly logs: Layer;
  readonly lu: LuLayers;
  readonly hidden: readonly ScaledConvolution[];
  readonly last: ScaledConvolution;
}

/** The parts of a log-likelihood, each [N]: baselines look at them one by one. */
export interface GlowParts {
  readonly logDet: Tensor;
  readonly prior: Tensor;
}

export class Glow extends TapedModel {
  readonly family = 'glow';
  readonly imageShape: ImageShape;
  readonly layers: readonly Layer[];
  /** Of every 1x1 convolution the fixed permutation `p` and the fixed signs `sign_s`. */
  readonly buffers: readonly Layer[];
  private readonly levels: {
    readonly steps: readonly Step[];
    readonly split: ScaledConvolution | null;
  }[] = [];
  private readonly top: ScaledConvolution;

  constructor(readonly config: GlowConfig) {
    super();
    const { imageShape, K, L, hidden, seed } = config;
    const [h, w, channels] = imageShape;
    if (h % 2 ** L !== 0 || w % 2 ** L !== 0) {
      throw new FisherlabError(
        `Glow with ${L} levels cannot take images of ${h}x${w}`,
        `height and width must be multiples of ${2 ** L}`,
      );
    }
    this.imageShape = imageShape;
    const layers: Layer[] = [];
    const buffers: Layer[] = [];
    const add = (name: string, shape: number[], values = zeros(shape)): Layer => {
      const layer = makeLayer(
        name,
        shape.length === 4 && shape[0] !== 1 ? 'convolution' : 'plain',
        shape,
        values,
      );
      layers.push(layer);
      return layer;
    };
    const addConv = (name: string, shape: number[]): Layer => {
      const values = normals(deriveSeed(seed, layers.length), sizeOf(shape));
      return add(
        name,
        shape,
        values.map((value) => 0.05 * value),
      );
    };
    const addZeroConv = (name: string, i: number, o: number): ScaledConvolution => ({
      logs: add(`${name}.logs`, [o, 1, 1]),
      weight: add(`${name}.conv.weight`, [o, i, 3, 3]),
      bias: add(`${name}.conv.bias`, [o]),
    });
    const addStep = (name: string, c: number, index: number): Step => {
      const bias = add(`${name}.actnorm.bias`, [1, c, 1, 1]);
      const logs = add(`${name}.actnorm.logs`, [1, c, 1, 1]);
      const rotation = luOfRandomRotation(c, deriveSeed(seed, 1_000_003, index));
      const lower = add(`${name}.invconv.lower`, [c, c], rotation.lower);
      const lus = add(`${name}.invconv.log_s`, [c], rotation.logs);
      const upper = add(`${name}.invconv.upper`, [c, c], rotation.upper);
      const block = [
        [0, c / 2, 3],
        [2, hidden, 1],
      ] as const;
      const hiddenLayers = block.map(([k, i, size]) => ({
        weight: addConv(`${name}.block.${k}.conv.weight`, [hidden, i, size, size]),
        bias: add(`${name}.block.${k}.actnorm.bias`, [1, hidden, 1, 1]),
        logs: add(`${name}.block.${k}.actnorm.logs`, [1, hidden, 1, 1]),
      }));
      const P = makeLayer(`${name}.invconv.p`, 'plain', [c, c], rotation.P, true);
      const signs = makeLayer(`${name}.invconv.sign_s`, 'plain', [c], rotation.signs, true);
      buffers.push(P, signs);
      return {
        bias,
        logs,
        lu: { lower, logs: lus, upper, P, signs },
        hidden: hiddenLayers,
        last: addZeroConv(`${name}.block.4`, hidden, c),
      };
    };

    let c = channels;
    let position = 0;
    for (let level = 0; level < L; level++) {
      c *= 4;
      position++; // the squeeze counts as a layer in the reference's names
      const steps = Array.from({ length: K }, (_, k) =>
        addStep(`flow.layers.${position + k}`, c, level * K + k),
      );
      position += K;
      const split = level < L - 1 ? addZeroConv(`flow.layers.${position++}.conv`, c / 2, c) : null;
      this.levels.push({ steps, split });
      if (split !== null) c /= 2;
    }
    this.top = addZeroConv('learn_top_fn', 2 * c, 2 * c);
    this.layers = layers;
    this.buffers = buffers;
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
        for (let k = steps.length - 1; k >= 0; k--) z = this.inverseStep(at(steps, k), z);
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
        for (let k = steps.length - 1; k >= 0; k--) z = this.inverseStep(at(steps, k), z);
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

  private inverseStep(step: Step, y: Tensor): Tensor {
    return tf.tidy(() => {
      const [n, h, w, c] = shape4(y, 'inverse of a step');
      const tape = new Tape();
      const [a, transformed] = pair(tf.split(y, 2, 3));
      const network = couplingNetwork(tape, tape.constant(a), step.hidden, step.last).tensor;
      const pairs = tf.reshape(network, [n, h, w, c / 2, 2]); // [N, h, w, c/2, 2]
      const [shift, raw] = pair(tf.unstack(pairs, 4)); // [N, h, w, c/2] each
      const b = tf.sub(tf.div(transformed, tf.sigmoid(tf.add(raw, 2))), shift);
      const z = tf.reshape(tf.concat([a, b], 3), [n * h * w, c]); // [N·T, C]
      const inverse = tf.tensor2d(invertMatrix(numbersOf(luMatrices(tape, step.lu).W), c), [c, c]);
      const mixed = tf.reshape(matMul(z, inverse, false, true), [n, h, w, c]); // [N, h, w, C]
      return tf.sub(tf.mul(mixed, tf.exp(tf.neg(step.logs.variable))), step.bias.variable);
    });
  }

  /**
   * Mean and log-deviation of the last latents, [N, h, w, c] each: a zero-convolution of a map of
   * zeros, of which only the bias is left.
   */
  private topGaussian(tape: Tape, n: number): [Value, Value] {
    const { logs, weight, bias } = this.top;
    const [h, w] = this.imageShape;
    const [rows, columns, c] = [
      h / 2 ** this.levels.length,
      w / 2 ** this.levels.length,
      bias.variable.size,
    ];
    const y = tf.tidy(() =>
      tf.tile(tf.reshape(tf.mul(bias.variable, tf.exp(tf.mul(logs.variable, 3))), [1, 1, 1, c]), [
        n,
        rows,
        columns,
        1,
      ]),
    ); // [N, h, w, 2c]
    const top = tape.apply({
      inputs: [],
      layers: [logs, weight, bias],
      output: y,
      saved: [y],
      back(dy) {
        const sums = tf.sum(dy, [1, 2]); // [N, 2c]
        const direct = (make: () => Tensor) => directFactors('zero-convolution', n, make);
        tape.gradient(
          logs,
          direct(() => tf.mul(tf.sum(tf.mul(dy, y), [1, 2]), 3)),
        );
        tape.gradient(
          weight,
          new OuterProducts({
            operation: 'zero-convolution',
            images: n,
            positions: 1,
            inputs: 9 * c,
            outputs: c,
            build: () => ({
              x: tf.zeros([n, 1, 9 * c]), // [N, 1, 9·2c]
              dy: tf.reshape(sums, [n, 1, c]), // [N, 1, 2c]
            }),
          }),
        );
        tape.gradient(
          bias,
          direct(() => tf.mul(sums, tf.exp(tf.mul(logs.variable, 3)))),
        );
        return [];
      },
    });
    return splitChannels(tape, top, c / 2);
  }
}

/**
 * Mean (even channels) and log-deviation (odd ones) of the latents that are split off, from the
 * half that goes on.
 */
function splitGaussian(tape: Tape, kept: Value, layers: ScaledConvolution): [Value, Value] {
  const h = zeroConvolution(tape, kept, layers);
  const [n, rows, columns, c] = shape4(h, 'split');
  const pairs = tf.reshape(h.tensor, [n, rows, columns, c / 2, 2]); // [N, h, w, c/2, 2]
  return tape.apply({
    inputs: [h],
    output: pair(tf.unstack(pairs, 4)), // [N, h, w, c/2] each
    back: (dys) => [tf.reshape(tf.stack([...dys], 4), [n, rows, columns, c])], // [N, h, w, c]
  });
}

function gaussianSample(mean: Tensor, logs: Tensor, seed: number, temperature: number): Tensor {
  return tf.tidy(() =>
    tf.add(
      mean,
      tf.mul(tf.mul(tf.exp(logs), temperature), tf.tensor(normals(seed, mean.size), mean.shape)),
    ),
  );
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function zeros(shape: readonly number[]): Float32Array {
  return new Float32Array(sizeOf(shape));
}

/** Inverse of a c×c matrix in row-major order, in float64. */
function invertMatrix(matrix: ArrayLike<number>, c: number): Float32Array {
  const rows = Array.from({ length: c }, (_, i) =>
    Array.from({ length: c }, (_, j) => at(matrix, i * c + j)),
  );
  const lu = new LuDecomposition(new Matrix(rows));
  if (lu.isSingular())
    throw new FisherlabError(
      'a 1x1 convolution is singular',
      'its weights are damaged: load another checkpoint',
    );
  return Float32Array.from(lu.solve(Matrix.eye(c)).to1DArray());
}
