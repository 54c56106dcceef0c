/**
 * # How good are the models?
 *
 * Families train on different objectives, so their losses do not compare. Bits per dimension on
 * test images do: the model's cost of an 8-bit image, in bits, by the number of its pixels and
 * channels,
 *
 *     bits/dim = −log₂ p(x) / D.
 *
 * - **Glow**: its own density on dequantised images, over the whole test set, as training reports
 *   it.
 * - **Diffusion**: the variational bound (Ho et al. 2020) on the first test images; of the T − 1
 *   middle terms some are drawn, which is unbiased.
 * - **VAE**: the importance-weighted bound with 64 latents. The paper's objective has a p(x|z) of
 *   variance ½ where pixels span 1, which wastes bits; the variance here is the mean squared error
 *   on other test images, its best guess.
 *
 * The literature's numbers are of models many times as large that were trained for days.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf, writeJson } from '../backend/index';
import { dataset, pixels } from '../data/index';
import {
  Diffusion,
  disposeModel,
  type LoadedModel,
  loadModel,
  shippedModels,
  Vae,
} from '../models/index';
import { MODEL_CARDS, readResultsFile } from './results-file';

/** What a table of models says of one. */
export interface ModelCard {
  readonly model: string;
  readonly checksum: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly steps: number;
  /** Images it was trained on. */
  readonly images: number;
  /** Test loss in the family's own unit, as training left it. */
  readonly test: number | null;
  readonly unit: string;
  readonly bitsPerDim: number;
  /** What the bits are, and of how many test images. */
  readonly how: string;
  /** The literature's bits/dim and where it stands; null where none is known. */
  readonly literature: string | null;
}

const LITERATURE: Readonly<Record<string, string>> = {
  'glow-cifar10': '3.35 (Kingma & Dhariwal 2018)',
  'glow-tinyimagenet32': '4.09 on ImageNet32 (Kingma & Dhariwal 2018)',
  'glow-fashion_mnist': '2.96 on 28x28 (Nalisnick et al. 2019)',
  'glow-mnist': '1.05 on 28x28 (Grathwohl et al. 2019)',
  'diffusion-cifar10': '≤ 3.70 (Ho et al. 2020)',
};

/**
 * Test images that bounds are computed on, and those before them that the VAE's variance comes
 * from.
 */
const IMAGES = 128;
const TIMESTEPS = 100;
const LATENTS = 64;

/**
 * The cards of the shipped models.
 * @throws {FisherlabError} if there are none
 */
export function shippedCards(): readonly ModelCard[] {
  return readResultsFile(MODEL_CARDS, 'fisherlab experiment models') as readonly ModelCard[];
}

export interface CardOptions {
  /** Cards that need not be measured again where they are of the same weights. */
  readonly known?: readonly ModelCard[];
  readonly progress?: (done: number, total: number) => void;
  /** Stops the work before the next model. */
  readonly signal?: AbortSignal;
}

/** Measures the cards of all shipped models and keeps them. */
export async function keepCards(seed: number, options: CardOptions = {}): Promise<ModelCard[]> {
  const cards = await modelCards(shippedModels(), seed, options);
  await writeJson(MODEL_CARDS, cards);
  return cards;
}

/**
 * The cards of models by name.
 */
export async function modelCards(
  names: readonly string[],
  seed: number,
  { known = [], progress, signal }: CardOptions = {},
): Promise<ModelCard[]> {
  const cards: ModelCard[] = [];
  for (const name of names) {
    signal?.throwIfAborted();
    const loaded = loadModel(name);
    try {
      const same = known.find(
        ({ model, checksum }) => model === loaded.name && checksum === loaded.checksum,
      );
      cards.push(same ?? (await modelCard(loaded, seed)));
    } finally {
      disposeModel(loaded.model);
    }
    progress?.(cards.length, names.length);
  }
  return cards;
}

/** @param seed of noise and latents */
export async function modelCard(
  { name, model, header, checksum }: LoadedModel,
  seed: number,
): Promise<ModelCard> {
  const data = await dataset(header.data.name, 'test', { limit: 2 * IMAGES });
  const indices = (part: number) => Array.from({ length: IMAGES }, (_, k) => part * IMAGES + k);
  const mean = (tensor: Tensor) => tf.tidy(() => tf.mean(tensor).dataSync()[0] as number);
  const dimensions = model.imageShape.reduce((product, length) => product * length, 1);
  const bound = (): Pick<ModelCard, 'bitsPerDim' | 'how'> => {
    if (model instanceof Diffusion) {
      const bits = model.variationalBound(pixels(data, indices(0)), seed, { timesteps: TIMESTEPS });
      return {
        bitsPerDim: mean(bits),
        how: `variational bound, ${IMAGES} images, ${TIMESTEPS} timesteps drawn`,
      };
    }
    if (model instanceof Vae) {
      const known = pixels(data, indices(0));
      const variance = model.residualVariance(known, model.noise(indices(0), seed));
      const nats = mean(
        model.importanceWeightedBound(pixels(data, indices(1)), seed, {
          samples: LATENTS,
          variance,
        }),
      );
      return {
        bitsPerDim: -nats / (dimensions * Math.LN2),
        how: `importance-weighted bound, ${IMAGES} images, ${LATENTS} latents`,
      };
    }
    return { bitsPerDim: header.test ?? Number.NaN, how: 'all test images' };
  };
  return {
    model: name,
    checksum,
    tensors: model.layers.length,
    parameters: model.layers.reduce((sum, layer) => sum + layer.variable.size, 0),
    steps: header.step,
    images: header.data.images,
    test: header.test ?? null,
    unit: header.unit,
    ...tf.tidy(bound),
    literature: LITERATURE[name] ?? null,
  };
}
