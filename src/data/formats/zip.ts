/**
 * # Zip archives, with limits
 *
 * Entries are found by name and read into memory one at a time, never written to disk under the
 * archive's own names: an entry called `../../evil` has nowhere to go (yauzl refuses such an
 * archive besides). An entry larger than its caller's limit is refused by what the directory says,
 * and one that inflates to more than the directory said is cut off there, so an archive cannot blow
 * up memory. What an entry inflates to must have the checksum of the directory, and no two may have
 * the same name, of which which is meant is not to be known.
 */
import { crc32 } from 'node:zlib';
import { type Entry, fromBufferPromise, openPromise, type ZipFile } from 'yauzl';
import { permutation } from '../../backend/index';
import { joined, labelsOf, PORTION, type Portion } from './portion';

const MOST_ENTRIES = 1_000_000;

export class Zip {
  private constructor(
    private readonly file: ZipFile,
    /** Every file of the archive by its path, sorted. */
    readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  /** Opens the archive at a path, or one that is in memory. Close it when done. */
  static async open(source: string | Buffer): Promise<Zip> {
    const options = { lazyEntries: true, autoClose: false, validateEntrySizes: true };
    const file =
      typeof source === 'string'
        ? await openPromise(source, options)
        : await fromBufferPromise(source, options);
    try {
      const found = new Map<string, Entry>();
      for await (const entry of file.eachEntry()) {
        if (found.size >= MOST_ENTRIES)
          throw new Error(`the archive has more than ${MOST_ENTRIES} entries`);
        if (found.has(entry.fileName))
          throw new Error(`the archive has two entries '${entry.fileName}'`);
        // macOS adds shadows of every file, `__MACOSX/…/._name`.
        if (!/\/$|(^|\/)(\._|__MACOSX\/)/.test(entry.fileName)) found.set(entry.fileName, entry);
      }
      return new Zip(file, new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1))));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Paths that match, sorted.
   * @throws {Error} if there are none
   */
  names(pattern: RegExp): string[] {
    const names = [...this.entries.keys()].filter((name) => pattern.test(name));
    if (names.length === 0) throw new Error(`the archive has no entry like ${pattern.source}`);
    return names;
  }

  /** The contents of an entry, at most `most` bytes. */
  async read(name: string, most: number): Promise<Buffer> {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new Error(`the archive has no entry '${name}'`);
    if (entry.uncompressedSize > most)
      throw new Error(
        `entry '${name}' has ${entry.uncompressedSize} bytes, more than the ${most} allowed`,
      );
    const chunks: Buffer[] = [];
    for await (const chunk of await this.file.openReadStreamPromise(entry))
      chunks.push(chunk as Buffer);
    const content = Buffer.concat(chunks);
    if (crc32(content) !== entry.crc32)
      throw new Error(`entry '${name}' is damaged: its checksum is not that of the directory`);
    return content;
  }

  close(): void {
    this.file.close();
  }
}

/** What becomes of one picture of an archive: its path and bytes in, its pixels out. */
export type Decode = (bytes: Buffer, name: string) => Promise<Uint8Array>;

/** A picture is at most this large, packed: the largest of the official ones has a tenth of it. */
const MOST_PICTURE = 4 << 20;

/**
 * The pictures `names` of an archive, decoded a portion at a time; `label` gives the class by path;
 * `seed` shuffles.
 */
export async function* pictures(
  zip: Zip,
  names: readonly string[],
  decode: Decode,
  { label, seed }: { label?: (name: string) => number; seed?: number } = {},
): AsyncGenerator<Portion> {
  const order =
    seed === undefined
      ? names
      : Array.from(permutation(names.length, seed), (i) => names[i] as string);
  for (let start = 0; start < order.length; start += PORTION) {
    const some = order.slice(start, start + PORTION);
    const images = await Promise.all(
      some.map(async (name) => decode(await zip.read(name, MOST_PICTURE), name)),
    );
    yield {
      images: joined(images),
      ...(label === undefined ? {} : { labels: labelsOf(some.map(label)) }),
    };
  }
}
