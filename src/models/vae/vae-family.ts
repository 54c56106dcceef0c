/**
 * # The family of VAEs
 *
 * | | channels | latent | at 32x32x3 |
 * |---|---|---|---|
 * | `paper` | 32, 64, 128, 256, 512 | 64 | 48 tensors, 3.2 M parameters |
 * | `small` | 16, 32, 64, 128, 256 | 64 | 48, 0.8 M |
 *
 * Every stage halves the image. A model's card shows the importance-weighted bound with 64 latents.
 * In the paper's objective p(x|z) has variance ½, where pixels span 1, which wastes bits; the
 * variance here is the mean squared error on other test images, its best estimate.
 */
import { numberOf, tf, uniforms } from '../../backend/index';
import { setLayer } from '../../gradients/index';
import { count, counts } from '../config-entries';
import type { Family, FamilyConfig } from '../family';
import { halvingsFromOne } from '../halvings';
import { referenceNormals, sizeBehindFirst } from '../reference-case';
import { Vae } from './vae';

export type VaeConfig = FamilyConfig & {
  readonly family: 'vae';
  /** Channels of the encoder's stages, each of which halves the image. */
  readonly channels: readonly number[];
  /** Size of the latent. */
  readonly latent: number;
};

const SIZES = {
  paper: { channels: [32, 64, 128, 256, 512], latent: 64 },
  small: { channels: [16, 32, 64, 128, 256], latent: 64 },
};

/** Latents of a card's bound. */
const LATENTS = 64;

export const VAE: Family<VaeConfig, Vae> = {
  name: 'vae',
  title: 'VAE',
  entries: { channels: counts, latent: count },
  preset(name, imageShape) {
    const { channels, latent } = SIZES[name];
    return { channels: channels.slice(0, halvingsFromOne(imageShape)), latent };
  },
  create: (config, tensors) => new Vae(config, tensors),
  training: {
    method: 'adam',
    learningRate: 3e-4,
    weightDecay: 0,
    average: 0,
    steps: 6000,
    clip: 0,
  },
  draws: 16,
  cardBits(model, { images, seed }) {
    const [known, others] = [images(0), images(1)];
    const variance = model.residualVariance(known.images, model.noise(known.indices, seed));
    const bound = model.importanceWeightedBound(others.images, seed, {
      samples: LATENTS,
      variance,
    });
    const nats = numberOf(tf.mean(bound));
    const dimensions = model.imageShape.reduce((product, length) => product * length, 1);
    return {
      bitsPerDim: -nats / (dimensions * Math.LN2),
      how: `importance-weighted bound, ${others.indices.length} images, ${LATENTS} latents`,
    };
  },
  reference: {
    entries: ({ latent, tensors }) => ({
      channels: tensors
        .filter(({ name }) => /^encoder\.conv_backbone\.\d+\.0\.weight$/.test(name))
        .map(({ shape }) => shape[0]),
      latent,
    }),
    amplitude(name, shape) {
      if (shape.length > 1) return { centre: 0, amplitude: Math.sqrt(3 / sizeBehindFirst(shape)) };
      return { centre: name.endsWith('weight') ? 1 : 0, amplitude: 0.1 };
    },
    setBuffers(buffers, seed) {
      buffers.forEach((buffer, b) => {
        if (buffer.name.endsWith('num_batches_tracked')) return;
        const centre = buffer.name.endsWith('running_var') ? 1 : 0;
        setLayer(
          buffer,
          uniforms(1000 * seed + 500 + b, buffer.variable.size).map(
            (u) => centre + 0.1 * (2 * u - 1),
          ),
        );
      });
    },
    noise: ({ latent }, seed) => referenceNormals(seed, [2, latent]),
  },
};
