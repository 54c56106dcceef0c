/**
 * # The family of Glows
 *
 * | | K | L | hidden | at 32x32x3 |
 * |---|---|---|---|---|
 * | `paper` | 32 | 3 | 512 | 1353 tensors, 44.2 M parameters |
 * | `small` | 8 | 3 | 64 | 345, 0.8 M |
 *
 * Every level halves the image. The loss is exact bits/dim, so a card needs no bound.
 */
import { at } from '../../backend/index';
import { FisherlabError } from '../../errors';
import { type Layer, setLayer } from '../../gradients/index';
import { count } from '../config-entries';
import type { Family, FamilyConfig } from '../family';
import { halvingsFromOne } from '../halvings';
import { referenceUniforms } from '../reference-case';
import type { NamedTensor } from '../safetensors';
import { Glow } from './glow';

export type GlowConfig = FamilyConfig & {
  readonly family: 'glow';
  /** Steps a level. */
  readonly K: number;
  /** Levels. */
  readonly L: number;
  /** Channels of the coupling networks. */
  readonly hidden: number;
};

const SIZES = { paper: { K: 32, L: 3, hidden: 512 }, small: { K: 8, L: 3, hidden: 64 } };

export const GLOW: Family<GlowConfig, Glow> = {
  name: 'glow',
  title: 'Glow',
  entries: { K: count, L: count, hidden: count },
  preset(name, imageShape) {
    const { K, L, hidden } = SIZES[name];
    return { K, L: Math.min(L, halvingsFromOne(imageShape)), hidden };
  },
  create: (config, tensors) => new Glow(config, tensors),
  training: {
    method: 'adamax',
    learningRate: 2e-3,
    weightDecay: 5e-5,
    average: 0.999,
    steps: 4000,
    clip: 50,
  },
  draws: 16,
  noiseIsRounding: true,
  literature: {
    cifar10: '3.35 (Kingma & Dhariwal 2018)',
    tinyimagenet32: '4.09 on ImageNet32 (Kingma & Dhariwal 2018)',
    fashion_mnist: '2.96 on 28x28 (Nalisnick et al. 2019)',
    mnist: '1.05 on 28x28 (Grathwohl et al. 2019)',
  },
  stateDict: {
    implied: (model) => [prior(model)],
    leavesOut: (name) => /(^|\.)(prior_h|l_mask|eye|inited)$/.test(name),
    check: checkPrior,
  },
  reference: {
    entries: ({ K, L, hidden }) => ({ K, L, hidden }),
    amplitude: (name) => ({ centre: 0, amplitude: name.endsWith('weight') ? 0.05 : 0.1 }),
    setBuffers(buffers) {
      for (const buffer of buffers)
        setLayer(buffer, buffer.name.endsWith('.p') ? reversal(buffer) : alternating(buffer));
    },
    noise: (_, seed) => referenceUniforms(seed),
    // In the paper's full size a ReLU may flip in float32.
    worst: ({ hidden }) => (hidden >= 512 ? 5e-3 : undefined),
  },
};

/** The zeros that the reference's learned prior is a convolution of: it keeps them. */
function prior(model: Glow): NamedTensor {
  const [h, w] = model.imageShape;
  const factor = 2 ** model.config.L;
  const channels = model.topChannels;
  return {
    name: 'prior_h',
    shape: [1, channels, h / factor, w / factor],
    values: new Float32Array((channels * h * w) / factor ** 2),
  };
}

/**
 * Convolutions fit images of any size, so a Glow of 64x64 has the same tensors as one of 32x32.
 * Only the shape of the prior differs.
 */
function checkPrior(model: Glow, tensors: ReadonlyMap<string, NamedTensor>, file: string): void {
  const wanted = prior(model).shape;
  for (const [name, { shape }] of tensors) {
    if (!/(^|\.)prior_h$/.test(name) || String(shape.slice(-2)) === String(wanted.slice(-2)))
      continue;
    const factor = 2 ** model.config.L;
    const [h, w] = shape.slice(-2).map((length) => length * factor);
    throw new FisherlabError(
      `'${file}' is a Glow of images of ${h}x${w} ('${name}' is [${shape.join(', ')}]), not of ${model.imageShape.slice(0, 2).join('x')}`,
      `make the model with the imageShape [${h}, ${w}, ${model.imageShape[2]}]`,
    );
  }
}

/** Ones on the anti-diagonal. */
function reversal(buffer: Layer): Float32Array {
  const c = at(buffer.torchShape, 0);
  return Float32Array.from({ length: c * c }, (_, k) =>
    Math.floor(k / c) + (k % c) === c - 1 ? 1 : 0,
  );
}

/** +1, −1, +1, … */
function alternating(buffer: Layer): Float32Array {
  return Float32Array.from({ length: at(buffer.torchShape, 0) }, (_, k) => (k % 2 === 0 ? 1 : -1));
}
