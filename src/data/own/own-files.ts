/**
 * # Which files the given paths mean
 *
 * Turns paths of files and folders into a list of files in a fixed order: sorted by name, with the
 * files of a folder at the place of the folder's name. The *class* of a picture is the first folder
 * below the given one, as in `torchvision.datasets.ImageFolder`; a picture directly in the given
 * folder has the class ''.
 *
 * Hidden files and folders, whose names begin with a dot (`.DS_Store`, the `._cat.jpg` that macOS
 * adds), are skipped and counted. Files with other endings are listed. Only regular files are read,
 * because a pipe might never end and a device might fill the memory.
 */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { FisherlabError } from '../../errors';

const PICTURES = [
  ...['.png', '.jpg', '.jpeg', '.jpe', '.jfif', '.webp', '.tif', '.tiff', '.gif', '.bmp', '.avif'],
  // Recognised so that they are refused with a reason instead of being skipped silently.
  ...['.heic', '.heif'],
];
const ARRAYS = ['.npy', '.npy.gz'];

const endsIn = (file: string, endings: readonly string[]) =>
  endings.some((ending) => file.toLowerCase().endsWith(ending));

/** Whether a file is an array by its name, not a picture. */
export const isArray = (file: string): boolean => endsIn(file, ARRAYS);

export interface OwnFile {
  readonly file: string;
  readonly class: string;
  /** Why it cannot be read, if that is known already. */
  readonly problem?: string;
}

export interface OwnFiles {
  readonly files: readonly OwnFile[];
  /** How many hidden files and folders were skipped. */
  readonly hidden: number;
  /** Files in folders that do not call themselves images. */
  readonly others: readonly string[];
}

/**
 * Finds all files in `paths`.
 * @throws {FisherlabError} if a path does not exist, a file given directly does not have the ending
 *   of an image, or there is no image at all
 */
export async function ownFiles(paths: readonly string[]): Promise<OwnFiles> {
  const files: OwnFile[] = [];
  const others: string[] = [];
  let hidden = 0;

  async function descend(folder: string, label: string, above: readonly string[]): Promise<void> {
    const real = await realpath(folder);
    if (above.includes(real)) {
      files.push({ file: folder, class: label, problem: 'is a link to a folder around itself' });
      return;
    }
    let entries: Dirent[];
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch (error) {
      files.push({ file: folder, class: label, problem: `cannot be opened (${codeOf(error)})` });
      return;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const { name } = entry;
      if (name.startsWith('.')) {
        hidden++;
        continue;
      }
      const file = path.join(folder, name);
      const kind = entry.isFile() ? 'file' : await kindOf(file);
      if (kind === 'folder') await descend(file, label === '' ? name : label, [...above, real]);
      else if (!endsIn(name, [...PICTURES, ...ARRAYS])) others.push(file);
      else if (kind === 'file') files.push({ file, class: label });
      else files.push({ file, class: label, problem: kind });
    }
  }

  for (const given of paths) {
    const kind = await kindOf(given);
    if (kind === 'folder') await descend(given, '', []);
    else if (kind === 'is missing')
      throw new FisherlabError(
        `'${given}' does not exist`,
        'give pictures, .npy arrays, or folders of them',
      );
    else if (!endsIn(given, [...PICTURES, ...ARRAYS]))
      throw new FisherlabError(
        `'${given}' is not an image`,
        `its name should end in one of ${[...PICTURES, ...ARRAYS].join(', ')}`,
      );
    else files.push({ file: given, class: '', ...(kind === 'file' ? {} : { problem: kind }) });
  }
  if (files.length === 0)
    throw new FisherlabError(
      `${paths.length === 1 ? `the folder '${paths[0]}' has` : `${paths.length} paths have`} no images`,
      `give files that end in ${[...PICTURES, ...ARRAYS].join(', ')}, or folders of them`,
    );
  return { files, hidden, others };
}

/** 'file', 'folder', or why it is neither. */
async function kindOf(file: string): Promise<string> {
  try {
    const info = await stat(file);
    if (info.isDirectory()) return 'folder';
    return info.isFile() ? 'file' : 'is a pipe, socket or device, not a regular file';
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' ? 'is missing' : `cannot be opened (${code})`;
  }
}

/** The file system's error code. */
export const codeOf = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code ?? (error as Error).message;
