/**
 * # Which noise an image gets
 *
 * Noise is drawn by an index (`noiseByIndex`), and what that index is of an image is a choice:
 *
 * - its place in the set, unless told: every image has noise of its own, and part of a set has that
 *   of the whole;
 * - the same for all: one draw is shared, and what differs between two rows are the images alone;
 * - a number made of its pixels: an image of one's own has the same noise in any company.
 *
 * The choice has a name, under which tables are kept.
 */
import type { Images } from '../data/index';

export interface NoiseIndices {
  readonly name: string;
  /** The index of the noise of each of the images at `positions`: whole numbers from 0 on. */
  of(data: Images, positions: readonly number[]): readonly number[];
}

/** An image's place in its set. */
export const BY_POSITION: NoiseIndices = { name: 'position', of: (_, positions) => positions };

/** One draw for all images. */
export const SHARED: NoiseIndices = {
  name: 'shared',
  of: (_, positions) => positions.map(() => 0),
};
