/**
 * # Zip archives, with limits
 *
 * Entries are found by name and read into memory one at a time. Nothing is written to disk under
 * the archive's own names, so an entry called `../../evil` does no harm (yauzl also refuses such an
 * archive). An entry whose size in the directory exceeds the caller's limit is refused, and one
 * that inflates to more than its stated size is cut off, so an archive cannot exhaust memory. The
 * inflated bytes must have the checksum in the directory. No two entries may have the same name,
 * because it would be unclear which is meant.
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

  /** Opens the archive at a path, or one in memory. Close it when done. */
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
        // macOS adds a metadata file `__MACOSX/…/._name` for every file.
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
      throw new Error(`entry '${name}' is damaged: its checksum is not the one in the directory`);
    return content;
  }

  close(): void {
    this.file.close();
  }
}

/** Decodes one picture of an archive, from its bytes and path to its pixels. */
export type Decode = (bytes: Buffer, name: string) => Promise<Uint8Array>;

/** The largest compressed size of a picture; the largest official one has a tenth of it. */
const MOST_PICTURE = 4 << 20;

/**
 * The pictures `names` of an archive, decoded one portion at a time. `label` gives the class for a
 * path; `seed` shuffles.
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
