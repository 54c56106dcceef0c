/**
 * # Classes of images of one's own, from a file
 *
 * A CSV file with a header and the columns `image` and `class` says of what kind each image is,
 * where folders do not. An image is meant by the end of its path: `7.png`, `cats/7.png` and
 * `photos/cats/7.png` all mean `photos/cats/7.png`; where several rows do, the longest one counts.
 */
import { readFile } from 'node:fs/promises';
import { FisherlabError } from '../errors';

/**
 * The class of each of `names`, '' where the file says nothing of it.
 * @param names of images as `ownImages` gives them
 * @param others names that the file may speak of too: those of images that were left out
 * @throws {FisherlabError} if the file cannot be read, has no such columns, names an image twice or
 *   one that is not there
 */
export async function ownLabels(
  file: string,
  names: readonly string[],
  others: readonly string[] = [],
): Promise<string[]> {
  const rows = await readRows(file);
  const byImage = new Map<string, string>();
  for (const row of rows) {
    const [image, label] = [row.image, row.class];
    if (image === undefined || label === undefined)
      throw new FisherlabError(
        `'${file}' has no columns 'image' and 'class'`,
        "begin it with a line that names them: 'image,class'",
      );
    if (byImage.has(image))
      throw new FisherlabError(`'${file}' names '${image}' twice`, 'leave one of its rows out');
    byImage.set(image, label);
  }
  const used = new Set<string>();
  const found = names.map((name) => labelIn(byImage, name, used));
  for (const name of others) labelIn(byImage, name, used);
  const unknown = [...byImage.keys()].find((image) => !used.has(image));
  if (unknown !== undefined)
    throw new FisherlabError(
      `'${file}' names '${unknown}', which is not among the images`,
      'correct the name or leave its row out',
    );
  return found;
}

/** The row of the longest end of a name's path; every row that means it is noted as used. */
function labelIn(byImage: ReadonlyMap<string, string>, name: string, used: Set<string>): string {
  const parts = name.split(/[/\\]/);
  const ends = parts.map((_, k) => parts.slice(k).join('/'));
  const known = [name, ...ends].filter((end) => byImage.has(end));
  for (const end of known) used.add(end);
  return byImage.get(known[0] ?? '') ?? '';
}

async function readRows(file: string): Promise<Partial<Record<string, string>>[]> {
  const { parse } = await import('csv-parse/sync');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new FisherlabError(
      `'${file}' cannot be read (${(error as NodeJS.ErrnoException).code})`,
      'give a CSV file with the columns image and class',
    );
  }
  try {
    return parse(text, { bom: true, columns: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new FisherlabError(
      `'${file}' cannot be read as CSV (${(error as Error).message})`,
      'write it as a header image,class and a line for each image',
    );
  }
}
