/**
 * # Your own images
 *
 * Turns pictures (PNG, JPEG, WebP, TIFF, BMP, AVIF, the first frame of a GIF), folders of them and
 * `.npy` arrays into 8-bit images, as in any data set, with the size and channels that a model
 * takes.
 *
 * Several pictures are decoded to their small size at the same time, large ones one at a time, so
 * memory does not grow with their number. A picture that cannot be used, because it is damaged,
 * transparent, or coloured for a grey model, is left out and reported with the reason; with
 * `strict` it is an error. The result says what was done to each image. An array that can be read
 * in more than one way is an error, because guessing could be wrong.
 */
import path from 'node:path';
import { assertKnown, FisherlabError } from '../errors';
import type { Images } from './dataset';
import { LAYOUTS, type Layout } from './own/array-layout';
import { FITS, type Fit, type Target } from './own/fit-to-model';
import { VALUES, type Values } from './own/own-array';
import { type OwnFile, ownFiles } from './own/own-files';
import { type FromFile, type LeftOut, readOwnFile } from './own/read-own-file';
import { oneAtATime, together } from './own/together';
import type { Treatment } from './own/treatment';

/** How to read arrays, if they do not show it themselves. */
export interface ArrayReading {
  /** The order of the dimensions, if it does not follow from the shape. */
  readonly layout?: Layout;
  /** The range of the numbers, if they are not uint8. */
  readonly values?: Values;
}

export interface OwnOptions extends ArrayReading {
  /** The size and channels of the model's images. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** How to fit pictures of another shape; by default the whole picture is stretched. */
  readonly fit?: Fit;
  /** Throw at the first image that cannot be used. */
  readonly strict?: boolean;
  /** Called after each file. */
  readonly onProgress?: (files: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface OwnImages extends Images {
  /** [count]: `cats/7.png`, `batch.npy[12]`. */
  readonly names: readonly string[];
  /** [count]: the folder below the given one, '' if there is none. */
  readonly classes: readonly string[];
}

export interface Own {
  readonly images: OwnImages;
  /** [count]: what was done to each. */
  readonly treatments: readonly Treatment[];
  readonly leftOut: readonly LeftOut[];
  /** How many hidden files and folders were skipped. */
  readonly hidden: number;
  /** Files in folders whose names do not end like those of images. */
  readonly others: readonly string[];
}

/**
 * Reads files and folders, in the order of their names within each folder.
 * @throws {FisherlabError} if a path does not exist, no image can be used, an array can be read in
 *   more than one way, an option is invalid, or, with `strict`, an image cannot be used. Throws the
 *   signal's reason if it is aborted
 */
export async function ownImages(paths: readonly string[], options: OwnOptions): Promise<Own> {
  const { height, width, channels, fit = 'stretch', layout, values, strict = false } = options;
  for (const [name, value] of Object.entries({ height, width, channels }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new FisherlabError(
        `the ${name} of images cannot be ${value}`,
        'give a whole number from 1 on',
      );
  assertKnown('fit', fit, FITS);
  if (layout !== undefined) assertKnown('layout', layout, LAYOUTS);
  if (values !== undefined) assertKnown('range of values', values, VALUES);
  const target: Target = { height, width, channels, fit };

  const { files, hidden, others } = await ownFiles(paths);
  const turn = oneAtATime();
  let done = 0;
  const read = async (file: OwnFile) => {
    const result = await readOwnFile(file, target, { layout, values, channels }, turn);
    options.onProgress?.(++done, files.length);
    return result;
  };
  const stops = ({ leftOut }: FromFile) => strict && leftOut.length > 0;
  const results = await together(files, read, stops, options.signal);

  const leftOut = results.flatMap((result) => result.leftOut);
  const used = results.flatMap((result) => result.used);
  const [first] = leftOut;
  if (first !== undefined && (strict || used.length === 0)) {
    const all = !strict && leftOut.length > 1;
    throw new FisherlabError(
      `'${first.name}' ${first.reason}${all ? `, and none of ${leftOut.length} can be used` : ''}`,
      first.fix,
    );
  }
  const size = height * width * channels;
  const pixels = new Uint8Array(used.length * size); // [N, H, W, C]
  used.forEach((one, k) => {
    pixels.set(one.pixels, k * size);
  });
  return {
    images: {
      name: paths.length === 1 ? path.basename(paths[0] as string) : `${paths.length} paths`,
      images: pixels,
      count: used.length,
      shape: [height, width, channels],
      names: used.map(({ name }) => name),
      classes: used.map((one) => one.class),
    },
    treatments: used.map(({ treatment }) => treatment),
    leftOut,
    hidden,
    others,
  };
}
