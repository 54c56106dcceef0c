/**
 * # The family of diffusion models
 *
 * | | dim | multipliers | at 32x32x3 |
 * |---|---|---|---|
 * | `paper` | 32 | 1-2-4-8 | 276 tensors, 9.2 M parameters |
 * | `small` | 16 | 1-2-4 | 218, 0.7 M |
 *
 * Every level but the last halves the image. A model's card shows the variational bound (Ho et al.
 * 2020, arXiv 2006.11239) on the first test images, from a random sample of its T − 1 middle terms,
 * which is unbiased.
 */
import * as v from 'valibot';
import { at, numberOf, tf } from '../../backend/index';
import { FisherlabError } from '../../errors';
import { count, counts, index } from '../config-entries';
import type { Family, FamilyConfig } from '../family';
import { halvings } from '../halvings';
import { REFERENCE_SHAPE, referenceNormals, sizeBehindFirst } from '../reference-case';
import type { NamedTensor } from '../safetensors';
import { Diffusion } from './diffusion';
import { UNet } from './unet';

export type DiffusionConfig = FamilyConfig & {
  readonly family: 'diffusion';
  /** Channels of the U-Net's first level, a multiple of 8. */
  readonly dim: number;
  /** Channels of its levels, in multiples of `dim`. */
  readonly dimMults: readonly number[];
  /** Number of noise levels. */
  readonly timesteps: number;
  /** The index, from 0, at which `logLikelihood` looks. */
  readonly timestep: number;
};

const SIZES = {
  paper: { dim: 32, dimMults: [1, 2, 4, 8] },
  small: { dim: 16, dimMults: [1, 2, 4] },
};

/** The reference has 1000. No tensor of a file has as many, so the file cannot bound them. */
const MOST_TIMESTEPS = 100_000;

/** Timesteps that a card's bound draws. */
const DRAWN = 100;

/** What the reference's process keeps of its schedule. */
const SCHEDULE =
  /^(betas|(sqrt_|log_)?(recip_|recipm1_)?(one_minus_)?alphas_cumprod(_prev)?|posterior_\w+|(p2_)?loss_weight)$/;

export const DIFFUSION: Family<DiffusionConfig, Diffusion> = {
  name: 'diffusion',
  title: 'diffusion model',
  entries: {
    dim: count,
    dimMults: counts,
    timesteps: v.pipe(
      count,
      v.maxValue(MOST_TIMESTEPS, `give a whole number from 1 to ${MOST_TIMESTEPS}`),
    ),
    timestep: index,
  },
  preset(name, imageShape) {
    const { dim, dimMults } = SIZES[name];
    return {
      dim,
      dimMults: dimMults.slice(0, halvings(imageShape) + 1),
      timesteps: 1000,
      timestep: 0,
    };
  },
  create(config, tensors) {
    const { imageShape, dim, dimMults, seed } = config;
    const [, , channels] = imageShape;
    return new Diffusion(config, new UNet({ channels, dim, dimMults, seed }, tensors));
  },
  training: {
    method: 'adam',
    learningRate: 3e-4,
    weightDecay: 0,
    average: 0.999,
    steps: 4000,
    clip: 1,
  },
  draws: 8,
  literature: { cifar10: '≤ 3.70 (Ho et al. 2020)' },
  cardBits(model, { images, seed }) {
    const first = images(0);
    const bits = model.variationalBound(first.images, seed, { timesteps: DRAWN });
    return {
      bitsPerDim: numberOf(tf.mean(bits)),
      how: `variational bound, ${first.indices.length} images, ${DRAWN} timesteps drawn`,
    };
  },
  stateDict: {
    leavesOut: (name, prefix) => prefix === '' && SCHEDULE.test(name),
    check(model, tensors, file) {
      checkNetwork(tensors, file);
      checkSchedule(model, tensors, file);
      checkObjective(model, tensors, file);
    },
  },
  reference: {
    entries: ({ dim, dimMults, timestepIndex }) => ({
      dim,
      dimMults,
      timesteps: 1000,
      timestep: timestepIndex,
    }),
    amplitude(name, shape) {
      if (name.endsWith('.g') || (name.endsWith('weight') && shape.length === 1))
        return { centre: 1, amplitude: 0.1 };
      const behind = sizeBehindFirst(shape);
      return { centre: 0, amplitude: behind > 1 ? Math.sqrt(3 / behind) : 0.1 };
    },
    noise: (_, seed) => referenceNormals(seed, [2, ...REFERENCE_SHAPE]),
  },
};

/**
 * Where versions of denoising-diffusion-pytorch from 1.8 on have their attention's tensors: they
 * normalise it in another way, and since 1.9 it looks at learnt memories (`mem_kv`), too.
 */
const NEWER = /(^|\.)downs\.\d+\.2\.(norm\.g|to_qkv\.weight|mem_kv)$/;

function checkNetwork(tensors: ReadonlyMap<string, NamedTensor>, file: string): void {
  const found = [...tensors.keys()].find((name) => NEWER.test(name));
  if (found === undefined) return;
  throw new FisherlabError(
    `'${file}' is of denoising-diffusion-pytorch 1.8 or later ('${found}'), whose attention is another`,
    "train it with version 1.5.5, which the paper's code has; those from 1.2 to 1.7 have the same network",
  );
}

/**
 * A network that was trained with another noise schedule would silently give wrong numbers.
 */
function checkSchedule(
  model: Diffusion,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
): void {
  for (const [name, { values }] of tensors) {
    if (!/(^|\.)alphas_cumprod$/.test(name)) continue;
    const { signal } = model.schedule;
    const same =
      values.length === signal.length &&
      values.every((value, t) => Math.abs(value - at(signal, t)) < 1e-4);
    if (!same)
      throw new FisherlabError(
        `'${file}' was trained with another noise schedule ('${name}')`,
        'train it with the sigmoid schedule of the same number of timesteps',
      );
  }
}

/**
 * A network that predicts the image x_0, or v = √ᾱ ε − √(1−ᾱ) x_0 (Salimans & Ho 2022, arXiv
 * 2202.00512), has the same tensors as one that predicts the noise. The loss weights differ: with
 * r = ᾱ/(1−ᾱ) they are 1 for the noise, r for x_0 and r/(r+1) = ᾱ for v. "min-SNR" (Hang et al.
 * 2023, arXiv 2303.09556) bounds r in them where it is large, so only r < 1 is looked at.
 */
function checkObjective(
  model: Diffusion,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
): void {
  const { signal } = model.schedule;
  for (const [name, { values }] of tensors) {
    if (!/(^|\.)loss_weight$/.test(name)) continue;
    const isWeight = (weight: (share: number) => number) =>
      values.length === signal.length &&
      signal.every(
        (share, t) => share >= 0.5 || Math.abs((values[t] as number) - weight(share)) < 1e-3,
      );
    if (isWeight(() => 1)) continue;
    const guessed = isWeight((share) => share)
      ? 'v'
      : isWeight((share) => share / (1 - share))
        ? 'the image'
        : undefined;
    throw new FisherlabError(
      guessed === undefined
        ? `'${file}' weights its loss in a way that is not known ('${name}')`
        : `'${file}' predicts ${guessed}, not the noise ('${name}')`,
      "train it with the objective 'pred_noise'",
    );
  }
}
