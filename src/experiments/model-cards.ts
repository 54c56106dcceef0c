/**
 * # How good are the models?
 *
 * Families train on different objectives, so their losses cannot be compared. Bits per dimension on
 * test images can. They are the number of bits the model needs for an 8-bit image x, divided by the
 * number D of its pixel values:
 *
 *     bits/dim = −log₂ p(x) / D.
 *
 * The family decides what is measured (`cardBits`): its own density on dequantised images, over the
 * whole test set, as training reports it, or a bound on the first test images.
 *
 * The numbers in the literature are for models many times as large, trained for days.
 */
import { numberOf, tf, writeJson } from '../backend/index';
import { dataset, pixels } from '../data/index';
import {
  BITS_PER_DIM,
  type CardBits,
  type CardMaterial,
  disposeModel,
  familyOf,
  isBackground,
  type LoadedModel,
  loadModel,
  shippedModels,
  type TapedModel,
} from '../models/index';
import { MODEL_CARDS, readResultsFile } from './results-file';
import { CARDS } from './results-schemas';

/** One model's entry in the table of models. */
export interface ModelCard {
  readonly model: string;
  readonly checksum: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly steps: number;
  /** Images it was trained on. */
  readonly images: number;
  /** Test loss in the family's own unit, as reported by training. */
  readonly test: number | null;
  readonly unit: string;
  readonly bitsPerDim: number;
  /** What was measured, and on how many test images. */
  readonly how: string;
  /** Bits/dim in the literature, with the source; null if unknown. */
  readonly literature: string | null;
}

/** How many images of each split a family's bound may be computed on. */
const IMAGES = 128;

/**
 * The cards of the shipped models.
 * @throws {FisherlabError} if there are none, or their file is damaged
 */
export function shippedCards(): readonly ModelCard[] {
  return readResultsFile(MODEL_CARDS, CARDS, 'fisherlab experiment models');
}

export interface CardOptions {
  /** Existing cards, which are kept if they are of the same weights. */
  readonly known?: readonly ModelCard[];
  readonly progress?: (done: number, total: number) => void;
  /** Stops the work before the next model. */
  readonly signal?: AbortSignal;
}

/** Measures the cards of all shipped models and stores them. */
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

/** @param seed of the noise and the latents */
export async function modelCard(
  { name, model, header, checksum }: LoadedModel,
  seed: number,
): Promise<ModelCard> {
  const data = await dataset(header.data.name, 'test', { limit: 2 * IMAGES });
  const material: CardMaterial = {
    images: (part) => {
      const indices = Array.from({ length: IMAGES }, (_, k) => part * IMAGES + k);
      return { images: pixels(data, indices), indices };
    },
    test: header.test ?? Number.NaN,
    seed,
  };
  const { literature, cardBits = plainBits } = familyOf(model.family);
  return {
    model: name,
    checksum,
    tensors: model.layers.length,
    parameters: model.layers.reduce((sum, layer) => sum + layer.variable.size, 0),
    steps: header.step,
    images: header.data.images,
    test: header.test ?? null,
    unit: header.unit,
    ...tf.tidy(() => ({ ...cardBits(model, material) })),
    literature: (isBackground(header) ? undefined : literature?.[header.data.name]) ?? null,
  };
}

/** The test loss if it is in bits/dim; otherwise the model's bound on the first test images. */
function plainBits(model: TapedModel, { images, test, seed }: CardMaterial): CardBits {
  if (model.loss.unit === BITS_PER_DIM) return { bitsPerDim: test, how: 'all test images' };
  const first = images(0);
  return {
    bitsPerDim: numberOf(tf.mean(model.bitsPerDim(first.images, seed))),
    how: `bits/dim or a bound on it, ${first.indices.length} images`,
  };
}
