/**
 * # Labels, and how alterations are noticed
 *
 * The gzip file of the images contains a checksum; labels are a plain `.npy` without one. So labels
 * written here get a file `<file>.sha256` beside them, in the format of `sha256sum`. If there is
 * such a file, labels are compared with it when they are read. Your own folders need not have it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import { type NpyArray, readNpy } from './npy';

const line = (file: string, bytes: Buffer) =>
  `${createHash('sha256').update(bytes).digest('hex')}  ${path.basename(file)}\n`;

/**
 * Writes a `.npy` of labels and its checksum.
 * @throws {FisherlabError} if a file cannot be written (`writeBeside`)
 */
export async function writeLabels(file: string, bytes: Buffer): Promise<void> {
  await writeBeside(file, bytes);
  await writeBeside(`${file}.sha256`, line(file, bytes));
}

/**
 * Reads a `.npy` of labels [N], at most the first `limit`.
 * @throws {FisherlabError} if the file is truncated, damaged or does not match its checksum; the
 *   message names `label`
 */
export async function readLabels(file: string, label: string, limit?: number): Promise<NpyArray> {
  const labels = await readNpy(file, label, limit);
  const sum = `${file}.sha256`;
  if (existsSync(sum) && readFileSync(sum, 'utf8') !== line(file, readFileSync(file)))
    throw new FisherlabError(
      `${label} were altered: their SHA-256 is not that of '${sum}'`,
      'restore the file or download the set again',
    );
  return labels;
}
