/**
 * # Which noise an image gets
 *
 * Noise is drawn by an index (`noiseByIndex`), and what that index is of an image is a choice:
 *
 * - its place in the set, unless told: every image has noise of its own, and part of a set has that
 *   of the whole;
 * - the same for all: one draw is shared, and what differs between two rows are the images alone;
 * - numbers made of its pixels: an image of one's own has the same noise in any company.
 *
 * One draw may say little of an image: of some models, what differs between two draws is more than
 * what differs between two images. Then an image has several, each a row of its own
 * (`detectors/several-draws.ts`).
 *
 * The choice has a name, under which tables are kept.
 */
import { type Images, noiseIndices } from '../data/index';
import { noiseIsRounding } from '../models/index';

export interface NoiseIndices {
  readonly name: string;
  /**
   * Rows of an image, each with a draw of its own. If it is given, an image's rows go through the
   * model together and with those of no other, so that not even the last bit of a number depends on
   * what else is in the set. Left out: one row, and images go through together.
   */
  readonly draws?: number;
  /** The indices of the noise of the images at `positions`, [positions × draws]. */
  of(data: Images, positions: readonly number[]): readonly number[];
}

/** An image's place in its set. */
export const BY_POSITION: NoiseIndices = { name: 'position', of: (_, positions) => positions };

/** The places in a longer row that these images are some of: `places`, [count]. */
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
 * One draw for all images where the noise enters the gradient, each its own where it is no more
 * than the rounding of pixels. One latent of a VAE, or one ε of a diffusion model, makes a third to
 * a half of the variance of its log norms, and rows that share it do not differ by it; a flow only
 * dequantises, and what is shared there is missed in batches.
 * @param family of the model
 */
export function steadyNoise(family: string): NoiseIndices {
  return noiseIsRounding(family) ? BY_POSITION : SHARED;
}

/** Numbers made of an image's pixels, for so many draws, 1 to 16. */
export function byPixels(draws: number): NoiseIndices {
  return {
    name: `pixels, ${draws} draws`,
    draws,
    of: (data, positions) => noiseIndices(data, positions, draws),
  };
}
