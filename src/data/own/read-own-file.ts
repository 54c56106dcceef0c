/**
 * # The images in one file
 *
 * A picture is one image, an array many. Each image is returned in the form the model takes,
 * together with what was done to it (`treatment.ts`), or is left out with a reason. Nothing of a
 * damaged array is used, not even the images before the damage.
 */
import { open } from 'node:fs/promises';
import type { Raster, Size } from '../formats/resize';
import { fitted, plan, type Target } from './fit-to-model';
import { type ArrayOptions, ownArray } from './own-array';
import { codeOf, isArray, type OwnFile } from './own-files';
import { type OwnPicture, ownPicture, type Turn } from './own-picture';
import { geometry, type Treatment } from './treatment';
import { Unusable } from './unusable';

export interface Used {
  /** `cats/7.png`, `batch.npy[12]`. */
  readonly name: string;
  /** Its index in the file, from 0 on. */
  readonly index: number;
  /** The folder below the given one, '' if there is none. */
  readonly class: string;
  /** Flat, [height × width × channels] of the target. */
  readonly pixels: Uint8Array;
  readonly treatment: Treatment;
}

export interface LeftOut {
  readonly name: string;
  /** Its index in the file; 0 if the whole file is left out. */
  readonly index: number;
  /** Continues a sentence after the name: "is transparent in places". */
  readonly reason: string;
  readonly fix: string;
}

export interface FromFile {
  readonly used: readonly Used[];
  readonly leftOut: readonly LeftOut[];
}

/** A file of at least this many bytes waits for its turn. */
const LARGE_FILE = 16 << 20;
/** Larger pictures are not read. 110 million pixels of 16 bits have 660 MB uncompressed. */
const MOST_BYTES = 2 ** 30;

/**
 * The images of a file. `turn` keeps large pictures from being in memory at the same time.
 * @throws {FisherlabError} if an array can be read in more than one way
 */
export async function readOwnFile(
  { file, class: folder, problem }: OwnFile,
  target: Target,
  arrays: ArrayOptions,
  turn: Turn,
): Promise<FromFile> {
  const used: Used[] = [];
  const leftOut: LeftOut[] = [];
  const leave = (name: string, index: number, error: unknown) => {
    if (!(error instanceof Unusable)) throw error;
    leftOut.push({ name, index, reason: error.reason, fix: error.fix });
  };
  try {
    if (problem !== undefined) throw new Unusable(problem, 'remove or replace it');
    if (!isArray(file)) {
      const { raster, size, ...rest } = await shown(file, target, turn);
      used.push({ index: 0, ...imageOf(file, folder, raster, size, target, rest) });
    } else {
      for await (const { index, raster, ...rest } of ownArray(file, arrays)) {
        const name = index === undefined ? file : `${file}[${index}]`;
        try {
          if (raster instanceof Unusable) throw raster;
          const known = { turned: false, frames: 1, ...rest };
          const image = imageOf(name, folder, raster, raster, target, known);
          used.push({ index: index ?? 0, ...image });
        } catch (error) {
          leave(name, index ?? 0, error);
        }
      }
    }
    return { used, leftOut };
  } catch (error) {
    leftOut.length = 0;
    leave(file, 0, error);
    return { used: [], leftOut };
  }
}

function imageOf(
  name: string,
  folder: string,
  raster: Raster,
  size: Size,
  target: Target,
  known: Pick<Treatment, 'turned' | 'frames' | 'values'>,
): Omit<Used, 'index'> {
  const how = plan(size, target);
  return {
    name,
    class: folder,
    pixels: fitted(raster, size, how, target),
    treatment: {
      ...geometry(size, how, target),
      greyToColour: raster.channels < target.channels,
      ...known,
    },
  };
}

/** The picture in a file, decoded to little more than the target needs. */
async function shown(file: string, target: Target, turn: Turn): Promise<OwnPicture> {
  const wanted = (size: Size) => {
    const { from, to } = plan(size, target);
    return {
      height: Math.ceil((to.height * size.height) / from.height),
      width: Math.ceil((to.width * size.width) / from.width),
    };
  };
  const handle = await open(file).catch((error) => {
    throw new Unusable(`cannot be opened (${codeOf(error)})`, 'check its permissions');
  });
  try {
    const info = await handle.stat();
    if (!info.isFile() || info.size > MOST_BYTES)
      throw new Unusable(`has ${info.size} bytes, too many for a picture`, 'make it smaller first');
    const atOnce: Turn = (work) => work();
    const isLarge = info.size >= LARGE_FILE;
    return await (isLarge ? turn : atOnce)(async () =>
      ownPicture(await handle.readFile(), wanted, isLarge ? atOnce : turn),
    );
  } finally {
    await handle.close();
  }
}
