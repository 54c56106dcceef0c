/**
 * # Which noise an image gets
 *
 * Noise is drawn by an index (`noiseByIndex`). Which index an image gets is a choice:
 *
 * - its position in the set (the default): every image has its own noise, and it is the same
 *   whether the whole set or a part of it is used;
 * - the same for all: one draw is shared, so two rows differ only by their images;
 * - numbers computed from its pixels: an image has the same noise whatever other images are scored
 *   with it.
 *
 * One draw may say little about an image: with some models, two draws differ more than two images
 * do. Then an image can have several draws, each with its own row (`detectors/several-draws.ts`).
 *
 * The name of the choice is part of the key under which tables are kept.
 */
import { type Images, noiseIndices } from '../data/index';
import { noiseIsRounding } from '../models/index';

export interface NoiseIndices {
  readonly name: string;
  /**
   * The number of rows of an image, each with its own draw. If it is given, the rows of an image go
   * through the model together, without those of any other image, so that not even the last bit of
   * a number depends on the rest of the set. If it is left out, an image has one row, and images go
   * through the model together.
   */
  readonly draws?: number;
  /** The indices of the noise of the images at `positions`, [positions × draws]. */
  of(data: Images, positions: readonly number[]): readonly number[];
}

/** The position of an image in its set. */
export const BY_POSITION: NoiseIndices = { name: 'position', of: (_, positions) => positions };

/** The positions of these images in a larger set: `places`, [count]. */
export function byPlaces(places: readonly number[]): NoiseIndices {
  return {
    name: BY_POSITION.name,
    of: (_, positions) => positions.map((position) => places[position] as number),
  };
}

/** Numbers made of an image's pixels: the same noise in any company. */
export const BY_PIXELS: NoiseIndices = { name: 'pixels', of: (data, at) => noiseIndices(data, at) };

/** One draw for all images. */
export const SHARED: NoiseIndices = {
  name: 'shared',
  of: (_, positions) => positions.map(() => 0),
};

/**
 * One draw for all images of VAEs and diffusion models, separate draws for flows. The latent noise
 * of a VAE, or the ε of a diffusion model, causes a third to a half of the variance of the log
 * norms; rows that share the noise do not have this variance. A flow uses noise only to dequantise
 * pixels, and there batches lose information if all images share it.
 * @param family of the model
 */
export function steadyNoise(family: string): NoiseIndices {
  return noiseIsRounding(family) ? BY_POSITION : SHARED;
}

/** Indices computed from the pixels of an image, for 1 to 16 draws. */
export function byPixels(draws: number): NoiseIndices {
  return {
    name: `pixels, ${draws} draws`,
    draws,
    of: (data, positions) => noiseIndices(data, positions, draws),
  };
}
