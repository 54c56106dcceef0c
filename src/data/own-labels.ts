/**
 * # Classes of your own images, from a file
 *
 * A CSV file with a header and the columns `image` and `class` gives the class of each image, if
 * the folders do not. A row names an image by the end of its path: `7.png`, `cats/7.png` and
 * `photos/cats/7.png` all mean `photos/cats/7.png`. If several rows mean the same image, the
 * longest one counts.
 */
import { readFile } from 'node:fs/promises';
import { FisherlabError } from '../errors';

/**
 * The class of each of `names`, '' if the file does not mention it.
 * @param names of images, as from `ownImages`
 * @param others further names the file may mention: those of images that were left out
 * @throws {FisherlabError} if the file cannot be read, lacks a column, names an image twice, or
 *   names one that does not exist
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
      throw new FisherlabError(`'${file}' names '${image}' twice`, 'remove one of the rows');
    byImage.set(image, label);
  }
  const used = new Set<string>();
  const found = names.map((name) => labelIn(byImage, name, used));
  for (const name of others) labelIn(byImage, name, used);
  const unknown = [...byImage.keys()].find((image) => !used.has(image));
  if (unknown !== undefined)
    throw new FisherlabError(
      `'${file}' names '${unknown}', which is not among the images`,
      'correct the name or remove the row',
    );
  return found;
}

/**
 * The class in the row with the longest matching end of the path. All matching rows are marked as
 * used.
 */
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
