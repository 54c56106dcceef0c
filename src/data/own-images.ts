/**
 * # Images of one's own
 *
 * PNG and JPEG files, folders of them, and `.npy` arrays `[N, H, W, C]` or `[N, H, W]` of uint8
 * become what every data set is: 8-bit images of 32x32.
 *
 * - Larger pictures are averaged down by area, which smooths before it drops pixels; smaller ones
 *   are interpolated (`formats/resize.ts`). The whole picture is kept: one that is not square is
 *   squeezed.
 * - Grey sets are 28x28 in a border of two black pixels, so grey images of other sizes are brought
 *   to 28x28 and framed; 32x32 is taken as it is.
 * - A grey picture for a colour model is shown in three equal channels, as any viewer does. A
 *   coloured picture for a grey model is refused, since which grey is meant is not ours to say; so
 *   is one that can be seen through.
 *
 * Nothing is skipped in silence: a file that cannot be read is an error that names it.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { FisherlabError } from '../errors';
import type { Images } from './dataset';
import { SIDE } from './dataset';
import { picture } from './formats/picture';
import { areaAverage, bilinear, type Raster } from './formats/resize';
import { readNpy } from './npy';

const PICTURES = ['.png', '.jpg', '.jpeg'];
const ARRAYS = ['.npy', '.npy.gz'];
const BORDER = 2;

/** Images with where each came from: `cats/7.png`, `batch.npy[12]`. */
export interface OwnImages extends Images {
  readonly sources: readonly string[];
  /** How many had another size. */
  readonly resized: number;
}

/**
 * Reads files and folders (not the folders in them), sorted by name within each folder.
 * @throws FisherlabError naming the file: missing, unreadable, of wrong channels; a folder without
 *   images
 */
export async function ownImages(paths: readonly string[], channels: 1 | 3): Promise<OwnImages> {
  const parts: { source: string; raster: Raster }[] = [];
  for (const file of paths.flatMap(filesAt)) {
    if (ARRAYS.some((ending) => file.endsWith(ending)))
      parts.push(...(await ofArray(file, channels)));
    else parts.push({ source: file, raster: await ofPicture(file, channels) });
  }
  const size = SIDE * SIDE * channels;
  const images = new Uint8Array(parts.length * size); // [N, 32, 32, C]
  parts.forEach(({ raster }, k) => {
    images.set(fitted(raster), k * size);
  });
  return {
    name: paths.length === 1 ? path.basename(paths[0] as string) : `${paths.length} paths`,
    images,
    count: parts.length,
    shape: [SIDE, SIDE, channels],
    sources: parts.map(({ source }) => source),
    resized: parts.filter(({ raster }) => !keepsSize(raster)).length,
  };
}

function filesAt(given: string): string[] {
  if (!existsSync(given))
    throw new FisherlabError(
      `'${given}' does not exist`,
      'give PNG or JPEG files, .npy arrays, or folders of them',
    );
  const known = [...PICTURES, ...ARRAYS];
  const isKnown = (file: string) => known.some((ending) => file.toLowerCase().endsWith(ending));
  if (!statSync(given).isDirectory()) {
    if (!isKnown(given))
      throw new FisherlabError(
        `'${given}' is no image`,
        `its name should end in one of ${known.join(', ')}`,
      );
    return [given];
  }
  const files = readdirSync(given).filter(isKnown).sort();
  if (files.length === 0)
    throw new FisherlabError(
      `the folder '${given}' has no images`,
      `it needs files that end in ${known.join(', ')}`,
    );
  return files.map((file) => path.join(given, file));
}

async function ofPicture(file: string, channels: 1 | 3): Promise<Raster> {
  let decoded: Raster;
  try {
    const { data, info } = await picture(readFileSync(file))
      .toColourspace('srgb')
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    decoded = { data, width: info.width, height: info.height, channels: info.channels };
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0] as string;
    throw new FisherlabError(
      `'${file}' cannot be read as an image: ${reason}`,
      'repair or remove the file',
    );
  }
  const pixels = decoded.width * decoded.height;
  const at = (pixel: number, channel: number) => decoded.data[pixel * 4 + channel] as number;
  const data = new Uint8Array(pixels * channels);
  for (let p = 0; p < pixels; p++) {
    if (at(p, 3) !== 255)
      throw new FisherlabError(
        `'${file}' is transparent in places`,
        'put it on a ground of your choice first',
      );
    if (channels === 1 && (at(p, 0) !== at(p, 1) || at(p, 1) !== at(p, 2))) {
      throw new FisherlabError(
        `'${file}' is in colour and the model takes grey images`,
        'turn it grey first, or choose a colour model',
      );
    }
    for (let c = 0; c < channels; c++) data[p * channels + c] = at(p, c);
  }
  return { data, width: decoded.width, height: decoded.height, channels };
}

async function ofArray(
  file: string,
  channels: 1 | 3,
): Promise<{ source: string; raster: Raster }[]> {
  const { shape, data } = await readNpy(file, `'${file}'`);
  const [count = 0, height = 0, width = 0, depth = 1] = shape;
  if (shape.length < 3 || shape.length > 4 || depth !== channels || height < 1 || width < 1) {
    throw new FisherlabError(
      `'${file}' has shape [${shape.join(', ')}] and the model takes [N, H, W, ${channels}]`,
      `give uint8 images with ${channels} channel${channels === 1 ? '' : 's'}, channel last`,
    );
  }
  if (count === 0) throw new FisherlabError(`'${file}' has no images`, 'give at least one');
  const size = height * width * depth;
  return Array.from({ length: count }, (_, k) => ({
    source: `${file}[${k}]`,
    raster: { data: data.subarray(k * size, (k + 1) * size), width, height, channels: depth },
  }));
}

/** The side of the picture within its frame. */
const sideOf = (channels: number) => (channels === 1 ? SIDE - 2 * BORDER : SIDE);

function keepsSize({ width, height, channels }: Raster): boolean {
  return width === height && (width === SIDE || width === sideOf(channels));
}

/** A picture as [32, 32, C], flat. */
function fitted(raster: Raster): Uint8Array {
  const { data, width, height, channels } = raster;
  if (width === SIDE && height === SIDE) return data;
  const side = sideOf(channels);
  const shrinks = width >= side && height >= side;
  const small =
    width === side && height === side
      ? data
      : shrinks
        ? areaAverage(raster, side)
        : bilinear(raster, side);
  if (side === SIDE) return small;
  const out = new Uint8Array(SIDE * SIDE * channels);
  for (let y = 0; y < side; y++) {
    out.set(
      small.subarray(y * side * channels, (y + 1) * side * channels),
      ((y + BORDER) * SIDE + BORDER) * channels,
    );
  }
  return out;
}
