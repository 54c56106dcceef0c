/**
 * # Tar archives, with limits
 *
 * Like zip archives, they are never unpacked to disk. The wanted entries are read into memory, with
 * a limit for each entry and one for all together.
 */
import type { ReadEntry } from 'tar';

/**
 * The contents of all files in a (gzipped) tar whose path matches, by path.
 * @throws {Error} if an entry has more than `most` bytes, all together have more than
 *   `mostTogether`, two have the same path, or none matches
 */
export async function readTar(
  file: string,
  pattern: RegExp,
  most: number,
  mostTogether: number,
): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const seen = new Set<string>();
  let together = 0;
  let problem: Error | undefined;
  const take = (entry: ReadEntry): void => {
    if (problem !== undefined || entry.type !== 'File' || !pattern.test(entry.path)) return;
    together += entry.size;
    if (entry.size > most || together > mostTogether) {
      problem = new Error(
        `entry '${entry.path}' makes the archive larger than the ${mostTogether} bytes allowed`,
      );
      return;
    }
    if (seen.has(entry.path)) {
      problem = new Error(`the archive has two entries '${entry.path}'`);
      return;
    }
    seen.add(entry.path);
    const chunks: Buffer[] = [];
    entry.on('data', (chunk: Buffer) => chunks.push(chunk));
    entry.on('end', () => found.set(entry.path, Buffer.concat(chunks)));
  };
  const { list } = await import('tar');
  await list({ file, strict: true, onReadEntry: take });
  if (problem !== undefined) throw problem;
  if (found.size === 0) throw new Error(`the archive has no entry like ${pattern.source}`);
  return found;
}
