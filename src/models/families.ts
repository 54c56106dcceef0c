/**
 * # The families of models, by name
 *
 * The paper's three, and those of your own that were registered in this process. A configuration
 * names its family; `createModel` checks its entries and makes the model with its initial weights.
 */
import { assertKnown, FisherlabError } from '../errors';
import { checkConfig } from './config-entries';
import { DIFFUSION } from './diffusion/diffusion-family';
import type { Family, FamilyConfig, ModelConfig, PresetName } from './family';
import { GLOW } from './glow/glow-family';
import { type FileContents, LayerList } from './layer-list';
import type { ImageShape, TapedModel } from './model';
import { VAE } from './vae/vae-family';

/** The paper's families, in the order of its tables. */
const PAPER = [GLOW, DIFFUSION, VAE] as const;

/** Their names. Models of each of them are shipped. */
export type PaperFamily = (typeof PAPER)[number]['name'];
export const PAPER_FAMILIES: readonly PaperFamily[] = PAPER.map(({ name }) => name);

const families = new Map<string, Family>(PAPER.map((family) => [family.name, family]));

/**
 * Registers a family of your own: its models can be trained, saved, loaded and tried like the
 * paper's. A second family of the same name replaces the first, as when a cell is run again.
 * @throws {FisherlabError} if the name is that of one of the paper's families
 */
export function registerFamily<C extends FamilyConfig, M extends TapedModel>(
  family: Family<C, M>,
): void {
  if (PAPER_FAMILIES.some((name) => name === family.name))
    throw new FisherlabError(
      `a family '${family.name}' comes with fisherlab`,
      'give yours another name',
    );
  families.set(family.name, family);
}

/** @throws {FisherlabError} if there is no family of this name */
export function familyOf(name: string): Family {
  const family = families.get(name);
  if (family === undefined) {
    assertKnown('model family', name, [...families.keys()]);
    throw new Error(`family '${name}' is known and not there`);
  }
  return family;
}

/** Draws of noise that one image's verdict is a mean over: its family's, or one. */
export function drawsOf({ family }: { readonly family: string }): number {
  return families.get(family)?.draws ?? 1;
}

/** Whether a family's noise is no more than the rounding of pixels. */
export function noiseIsRounding(family: string): boolean {
  return families.get(family)?.noiseIsRounding ?? false;
}

/** What figures call a model: its family's title, or the name it gave itself. */
export function titleOf({ family }: { readonly family: string }): string {
  return families.get(family)?.title ?? family;
}

/**
 * The model of a configuration.
 * @param from what the file holds that the configuration comes from: the model is no larger
 * @throws {FisherlabError} if the family is not known, an entry is missing, is of no such model or
 *   cannot be, or sizes do not go together
 */
export function createModel(config: ModelConfig, from?: FileContents): TapedModel {
  const family = familyOf(config.family);
  checkConfig(family, config);
  const tensors = new LayerList(config.seed, from);
  try {
    return family.create(config, tensors);
  } catch (error) {
    tensors.dispose();
    throw error;
  }
}

/** The configuration of a family at a size, for images of a shape. */
export function preset(
  family: string,
  name: PresetName,
  imageShape: ImageShape,
  seed: number,
): ModelConfig {
  return { family, imageShape, seed, ...familyOf(family).preset(name, imageShape) };
}
