/**
 * # Feature tables on disk
 *
 * Features take minutes to compute and detectors milliseconds, so tables are kept. What a table was
 * made from (weights, images, batch size, seed, the feature and its version, …) is its *key*. The
 * file is named by the SHA-256 of the key, written as JSON with sorted names. Another seed gives
 * another file, so no file is ever out of date. The file also contains its key, which is checked
 * when it is read.
 *
 * The format is Apache Parquet, which pandas, Arrow, DuckDB and many others read: one DOUBLE column
 * for each column of the table, named `feature` or `feature:layer`. What Parquet has no place for
 * (batch size, sizes of layers, the key) is JSON in the file's key-value metadata under
 * `fisherlab`, with a SHA-256 over this and the numbers, so that a truncated or altered file is
 * noticed when it is read.
 *
 * Files are written under another name and renamed when complete. A run that is killed leaves only
 * finished tables, and the next run resumes from there.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inCheckout, writeBeside } from '../backend/index';
import type { Column, FeatureTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import type { Json } from '../gradients/index';

/** Where tables are kept by default: `out/cache` in the checkout. */
export const CACHE_FOLDER = inCheckout('out', 'cache');

/**
 * The version of all numbers, part of every key. Raise it with a change to models, noise, kernels
 * or the extraction that changes the numbers of more than a single feature.
 */
export const NUMBERS = 1;

/**
 * What a table was made from. It must contain everything that affects the numbers, with a checksum
 * for the weights.
 */
export type CacheKey = { readonly [name: string]: Json };

/** What the file says about its numbers. */
interface Description {
  readonly rows: number;
  readonly batchSize: number;
  readonly columns: readonly {
    readonly feature: string;
    readonly layer?: string;
    readonly size?: number;
  }[];
  readonly key: string;
}

/** The file in `directory` that keeps the table of `key`. */
export function tablePath(directory: string, key: CacheKey): string {
  const name = createHash('sha256').update(whole(key)).digest('hex').slice(0, 32);
  return join(directory, `${name}.parquet`);
}

/**
 * The table of `key`: read from disk if it is there, otherwise made by `make` and kept.
 * @throws {FisherlabError} as `readTable` and `writeTable` do; if `make` throws, nothing is kept
 */
export async function cachedTable(
  directory: string,
  key: CacheKey,
  make: () => Promise<FeatureTable>,
): Promise<FeatureTable> {
  const kept = await readTable(directory, key);
  if (kept !== undefined) return kept;
  const table = await make();
  await writeTable(directory, key, table);
  return table;
}

/**
 * Keeps a table, completely or not at all; makes the directory if it is missing.
 * @throws {FisherlabError} if columns are not as long as the table, or the disk is full or cannot
 *   be written to
 */
export async function writeTable(
  directory: string,
  key: CacheKey,
  table: FeatureTable,
): Promise<void> {
  for (const { feature, layer, values } of table.columns) {
    if (values.length !== table.rows) {
      throw new FisherlabError(
        `column '${nameOf({ feature, layer })}' has ${values.length} values in a table of ${table.rows} rows`,
        'give one value per row',
      );
    }
  }
  const description: Description = {
    rows: table.rows,
    batchSize: table.batchSize,
    columns: table.columns.map(({ feature, layer, size }) => ({ feature, layer, size })),
    key: whole(key),
  };
  const names = uniqueNames(table.columns);
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const bytes = parquetWriteBuffer({
    // Byte-stream split is exact for every bit pattern (a dictionary would merge 0 and −0) and
    // halves the size of float32 numbers stored as float64.
    columnData: table.columns.map(({ values }, j) => ({
      name: names[j] as string,
      data: values,
      type: 'DOUBLE',
      nullable: false,
      encoding: 'BYTE_STREAM_SPLIT',
    })),
    kvMetadata: [
      {
        key: 'fisherlab',
        value: JSON.stringify({ ...description, sha256: digest(description, table.columns) }),
      },
    ],
  });
  await writeBeside(tablePath(directory, key), new Uint8Array(bytes));
}

/**
 * The table of `key`; `undefined` if none is kept.
 * @throws {FisherlabError} if the file is damaged, is not a table of this program, or has another
 *   key
 */
export async function readTable(
  directory: string,
  key: CacheKey,
): Promise<FeatureTable | undefined> {
  const file = tablePath(directory, key);
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await parse(new Uint8Array(bytes).buffer, whole(key));
  } catch (error) {
    throw new FisherlabError(
      `the feature table '${file}' is damaged (${(error as Error).message})`,
      'delete the file: the next run makes it again',
    );
  }
}

async function parse(buffer: ArrayBuffer, wanted: string): Promise<FeatureTable> {
  const { parquetMetadata, parquetRead } = await import('hyparquet');
  const metadata = parquetMetadata(buffer);
  const json = metadata.key_value_metadata?.find(({ key }) => key === 'fisherlab')?.value;
  if (json === undefined) throw new Error('it has no description');
  const { sha256, ...description } = JSON.parse(json) as Description & { sha256: string };
  const { rows, batchSize, columns } = description;
  const names = uniqueNames(columns);
  const values = new Map(names.map((name) => [name, new Float64Array(rows)]));
  await parquetRead({
    file: buffer,
    metadata,
    // Do not throw in here: hyparquet would not pass the error on. What does not fit is left out,
    // and the checksum then fails.
    onChunk: ({ columnName, columnData, rowStart }) => {
      if (rowStart + columnData.length <= rows)
        values.get(columnName)?.set(columnData as ArrayLike<number>, rowStart);
    },
  });
  const table = columns.map((column, j) => ({
    ...column,
    values: values.get(names[j] as string) as Float64Array,
  }));
  if (digest(description, table) !== sha256) throw new Error('it does not match its checksum');
  if (description.key !== wanted) throw new Error('it was made from something else');
  return { rows, batchSize, columns: table };
}

/** The name of a column in a file. */
export const nameOf = ({ feature, layer }: { feature: string; layer?: string }) =>
  layer === undefined ? feature : `${feature}:${layer}`;

/** Column names for Parquet, where no two may be the same: the second `a` is `a #2`. */
function uniqueNames(columns: Description['columns']): string[] {
  const seen = new Map<string, number>();
  return columns.map((column) => {
    const name = nameOf(column);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} #${count}`;
  });
}

function digest(description: Description, columns: readonly Column[]): string {
  const hash = createHash('sha256').update(JSON.stringify(description));
  for (const { values } of columns)
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hash.digest('hex');
}

/** A key with the version of the numbers, as text: equal keys are equal texts. */
function whole(key: CacheKey): string {
  return canonicalJson({ numbers: NUMBERS, ...key });
}

/** JSON with the names of every object in alphabetical order: equal keys are equal strings. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new FisherlabError(
      `a cache key holds ${value}`,
      'JSON has no such number: write it as a string',
    );
  }
  return JSON.stringify(value);
}
