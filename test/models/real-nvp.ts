/**
 * # A family of one's own: RealNVP
 *
 * An example to start from. A flow of affine couplings (Dinh et al. 2017, arXiv 1605.08803): 2x2
 * pixels become channels, which are halved; by turns each half is shifted and scaled by what two
 * convolutions make of the other,
 *
 *     y = (b + shift(a)) · sigmoid(raw(a) + 2)
 *     log p(x) = log N(z; 0, 1) + Σ log|det| − HWC·ln 256.
 *
 * Everything a family is lies in this file: its configuration, its forward pass, which gives the
 * gradients too, its sizes and what it is trained with. `registerFamily(REAL_NVP)` makes it known.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, noiseByIndex, normals, pair, shape4, tf } from '../../src/backend/index';
import { FisherlabError } from '../../src/errors';
import {
  convolution,
  coupling,
  gaussianLogDensity,
  joinChannels,
  type Layer,
  rearrange,
  scale,
  splitChannels,
  squeeze,
  sum,
  Tape,
  tanh,
  unsqueeze,
  type Value,
} from '../../src/gradients/index';
import {
  count,
  type Family,
  type FamilyConfig,
  type ImageShape,
  LayerList,
  TapedModel,
} from '../../src/models/index';

export type RealNvpConfig = FamilyConfig & {
  readonly family: 'real-nvp';
  readonly couplings: number;
  /** Channels between the two convolutions of a coupling. */
  readonly hidden: number;
};

export class RealNvp extends TapedModel {
  readonly family = 'real-nvp';
  override readonly dequantises = true;
  readonly imageShape: ImageShape;
  readonly layers: readonly Layer[];
  readonly buffers: readonly Layer[] = [];
  private readonly networks: ReturnType<typeof network>[] = [];

  constructor(
    readonly config: RealNvpConfig,
    tensors = new LayerList(config.seed),
  ) {
    super();
    const [h, w, channels] = config.imageShape;
    if (h % 2 !== 0 || w % 2 !== 0)
      throw new FisherlabError(
        `a RealNVP cannot take images of ${h}x${w}`,
        'height and width must be even',
      );
    this.imageShape = config.imageShape;
    for (let k = 0; k < config.couplings; k++)
      this.networks.push(network(tensors, `couplings.${k}`, 2 * channels, config.hidden));
    this.layers = tensors.layers;
  }

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
    const { prior, logDets } = this.flow(tape, images, noise);
    return sum(tape, [prior, ...logDets]);
  }

  /** The two parts of log p, which make the columns of flows, [N] each. */
  parts(images: Tensor, noise: Tensor): { prior: Tensor; logDet: Tensor } {
    return tf.tidy(() => {
      const tape = new Tape();
      const { prior, logDets } = this.flow(tape, tape.constant(images), noise);
      return { prior: prior.tensor, logDet: sum(tape, logDets).tensor };
    });
  }

  /** What makes figures of latents: one tensor, [N, h, w, c]. */
  latents(images: Tensor, noise: Tensor): Tensor[] {
    const tape = new Tape();
    return tf.tidy(() => [this.flow(tape, tape.constant(images), noise).z.tensor]);
  }

  override sample(n: number, seed: number): Tensor {
    return tf.tidy(() => {
      const [h, w, c] = this.imageShape;
      const shape: [number, number, number, number] = [n, h / 2, w / 2, 4 * c];
      const z = tf.tensor4d(normals(seed, n * h * w * c), shape);
      return tf.clipByValue(tf.floor(this.inverse(z)), 0, 255);
    });
  }

  /** The images, with the noise in them, whose latents these are. */
  inverse(z: Tensor): Tensor {
    return tf.tidy(() => {
      const tape = new Tape();
      let [a, b] = pair(tf.split(z, 2, 3));
      for (const layers of [...this.networks].reverse()) {
        const before = b; // the half that was left as it was
        const made = applied(tape, tape.constant(before), layers).tensor;
        const [n, rows, columns, c] = shape4(made, 'inverse of a coupling');
        const parts = tf.unstack(tf.reshape(made, [n, rows, columns, c / 2, 2]), 4); // [N, h, w, c]
        const [shift, raw] = pair(parts);
        b = tf.sub(tf.div(a, tf.sigmoid(tf.add(raw, 2))), shift);
        a = before;
      }
      return tf.mul(tf.add(unsqueeze(tf.concat([a, b], 3)), 0.5), 256); // [N, H, W, C]
    });
  }

  private flow(
    tape: Tape,
    images: Value,
    noise: Tensor,
  ): { z: Value; prior: Value; logDets: Value[] } {
    const x = scale(tape, sum(tape, [images, tape.constant(noise)]), 1 / 256, -0.5);
    const squeezed = rearrange(tape, x, squeeze, unsqueeze);
    let [a, b] = splitChannels(tape, squeezed, 2 * this.imageShape[2]);
    const [n, D] = [lengthOf(images), this.imageShape.reduce((product, axis) => product * axis)];
    const logDets = [tape.constant(tf.fill([n], -D * Math.log(256)))]; // of the dequantisation
    for (const layers of this.networks) {
      const { y, logDet } = coupling(tape, b, applied(tape, a, layers));
      logDets.push(logDet);
      [a, b] = [y, a];
    }
    const z = joinChannels(tape, a, b);
    const zeros = tape.constant(tf.zerosLike(z.tensor));
    return { z, prior: gaussianLogDensity(tape, z, zeros, zeros), logDets };
  }
}

/** The layers of a coupling that sees `half` of the channels. */
function network(tensors: LayerList, name: string, half: number, hidden: number) {
  return {
    first: tensors.convolution(`${name}.first`, [hidden, half, 3, 3]),
    last: tensors.convolution(`${name}.last`, [2 * half, hidden, 3, 3]),
  };
}

function applied(tape: Tape, a: Value, { first, last }: ReturnType<typeof network>): Value {
  const hidden = convolution(tape, a, first.weight, first.bias, { pad: 1 });
  return convolution(tape, tanh(tape, hidden), last.weight, last.bias, { pad: 1 });
}

export const REAL_NVP: Family<RealNvpConfig, RealNvp> = {
  name: 'real-nvp',
  title: 'RealNVP',
  entries: { couplings: count, hidden: count },
  preset: (size) => (size === 'paper' ? { couplings: 8, hidden: 64 } : { couplings: 2, hidden: 4 }),
  create: (config, tensors) => new RealNvp(config, tensors),
  training: {
    method: 'adam',
    learningRate: 1e-3,
    weightDecay: 0,
    average: 0,
    steps: 4000,
    clip: 50,
  },
  literature: { cifar10: '3.49 (Dinh et al. 2017)' },
};
