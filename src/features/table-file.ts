/**
 * # Feature tables as files that grow beyond memory
 *
 * A table of a million batches is read and written a few thousand rows at a time. The file is
 * Apache Parquet with readable columns and one row per batch:
 *
 * - `image`: the first image of the batch, by its number in the set, counted from 0, or by its
 *   name;
 * - `B`: the number of images in the batch;
 * - `log-likelihood`, nats, and `feature:layer` for every feature and layer.
 *
 * Features of layers are float32, as the engine computes them, which makes J · 4 bytes a batch for
 * J layers. Everything else is float64. Columns are stored uncompressed: mantissas are nearly
 * random, so compression would save a tenth and take three times as long. Only numbers of few bits
 * are packed. Row groups have `GROUP` rows, whatever the sizes of the pieces written, so equal
 * tables are equal files. What the table was made from is JSON in the key-value metadata under
 * `fisherlab`.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import type { ColumnSource } from 'hyparquet-writer';
import { writeBeside } from '../backend/index';
import type { Column, FeatureTable } from '../detectors/index';
import { FisherlabError } from '../errors';
import type { Json } from '../gradients/index';
import { nameOf } from './table-cache';

/** Rows per group: so many are in memory while a table is read or written. */
const GROUP = 8192;

/** What a table was made from, as JSON. The code that makes a table decides what it contains. */
export type Origin = { readonly [name: string]: Json };

/** Some rows of a table, with the first image of each. */
export interface Piece {
  /** [rows]: the number of each image in the set, or its name. */
  readonly images: readonly (number | string)[];
  readonly table: FeatureTable;
}

type ColumnName = Omit<Column, 'values'>;

interface Description {
  readonly origin: Origin;
  readonly batchSize: number;
  readonly columns: readonly ColumnName[];
}

/** Columns as they are, or byte by byte (byte-stream split) and compressed. */
export type Storage = 'plain' | 'packed';

/**
 * Writes the pieces of one table one after another, completely or not at all.
 * @throws {FisherlabError} if the file cannot be written
 * @throws whatever `pieces` throws; nothing is written then
 */
export async function writeTableFile(
  file: string,
  origin: Origin,
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
  storage: Storage = 'plain',
): Promise<void> {
  await writeBeside(file, async (opened) => {
    let writer: GroupWriter | undefined;
    let first: Piece | undefined;
    for await (const piece of pieces) {
      first ??= piece;
      if (piece.table.rows === 0) continue; // it does not show whether images have names
      writer ??= await GroupWriter.of(opened, origin, piece, storage);
      await writer.add(piece);
    }
    if (first === undefined) throw new Error(`'${file}' would have no columns`);
    writer ??= await GroupWriter.of(opened, origin, first, storage);
    await writer.finish();
  });
}

/** Collects rows and writes them in groups. */
class GroupWriter {
  private images: (number | string)[] = [];
  private readonly values: (Float32Array | Float64Array)[];

  private constructor(
    private readonly parquet: {
      write(given: { columnData: ColumnSource[]; rowGroupSize: number }): void | Promise<void>;
      finish(): void | Promise<void>;
    },
    private readonly batchSize: number,
    private readonly columns: readonly ColumnName[],
    private readonly storage: Storage,
  ) {
    this.values = columns.map((column) =>
      isOfLayer(column) ? new Float32Array(GROUP) : new Float64Array(GROUP),
    );
  }

  static async of(
    opened: FileHandle,
    origin: Origin,
    first: Piece,
    storage: Storage,
  ): Promise<GroupWriter> {
    const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
    const { batchSize } = first.table;
    const columns = first.table.columns.map(({ values: _, ...column }) => column);
    const bytes = new ByteWriter();
    const flush = async () => {
      await opened.writeFile(bytes.getBytes());
      bytes.index = 0;
    };
    const description: Description = { origin, batchSize, columns };
    const parquet = new ParquetWriter({
      writer: Object.assign(bytes, { flush, finish: flush }),
      schema: schemaFromColumnData({ columnData: sources(columns, first.images, [], 1, storage) }),
      codec: storage === 'packed' ? 'SNAPPY' : 'UNCOMPRESSED',
      statistics: false,
      kvMetadata: [{ key: 'fisherlab', value: JSON.stringify(description) }],
      createdBy: 'fisherlab',
    });
    return new GroupWriter(parquet, batchSize, columns, storage);
  }

  async add({ images, table }: Piece): Promise<void> {
    for (let row = 0; row < table.rows; ) {
      const held = this.images.length;
      const more = Math.min(GROUP - held, table.rows - row);
      for (let k = 0; k < more; k++) this.images.push(images[row + k] as number | string);
      table.columns.forEach(({ values }, j) => {
        this.values[j]?.set(values.subarray(row, row + more), held);
      });
      row += more;
      if (this.images.length === GROUP) await this.flush();
    }
  }

  async finish(): Promise<void> {
    if (this.images.length > 0) await this.flush();
    await this.parquet.finish();
  }

  private async flush(): Promise<void> {
    const rows = this.images.length;
    const columnData = sources(
      this.columns,
      this.images,
      this.values.map((values) => values.subarray(0, rows)),
      this.batchSize,
      this.storage,
    ).map(({ type: _, nullable: __, ...column }) => column);
    await this.parquet.write({ columnData, rowGroupSize: rows });
    this.images = [];
  }
}

/** The columns in the form the Parquet library takes. */
function sources(
  columns: readonly ColumnName[],
  images: readonly (number | string)[],
  values: readonly (Float32Array | Float64Array)[],
  batchSize: number,
  storage: Storage,
): ColumnSource[] {
  const plain = { nullable: false, encoding: 'PLAIN', offsetIndex: false } as const;
  const encoding = storage === 'packed' ? ('BYTE_STREAM_SPLIT' as const) : ('PLAIN' as const);
  const isNumbered = typeof images[0] === 'number';
  return [
    { name: 'image', data: [...images], type: isNumbered ? 'INT32' : 'STRING', ...plain },
    { name: 'B', data: new Int32Array(images.length).fill(batchSize), type: 'INT32', ...plain },
    ...columns.map((column, j) => ({
      name: nameOf(column),
      data: values[j] ?? new Float64Array(images.length),
      type: isOfLayer(column) ? ('FLOAT' as const) : ('DOUBLE' as const),
      ...plain,
      encoding,
    })),
  ];
}

/** Whether a column is a feature of a layer's gradient, and so has float32 numbers. */
const isOfLayer = ({ size }: ColumnName) => size !== undefined;

/** A table on disk, read piece by piece. */
export class TableFile {
  private constructor(
    readonly file: string,
    readonly origin: Origin,
    readonly batchSize: number,
    readonly columns: readonly ColumnName[],
    private readonly metadata: FileMetaData,
  ) {}

  /**
   * Reads the description of a file.
   * @throws {FisherlabError} if it is not a feature table. Errors of the file system are passed on
   *   as they are
   */
  static async open(file: string): Promise<TableFile> {
    const { parquetMetadataAsync } = await import('hyparquet');
    return reading(file, async (buffer) => {
      const metadata = await parquetMetadataAsync(buffer);
      const json = metadata.key_value_metadata?.find(({ key }) => key === 'fisherlab')?.value;
      const { origin, batchSize, columns } = JSON.parse(json ?? '{}') as Partial<Description>;
      if (origin === undefined || batchSize === undefined || columns === undefined)
        throw new Error('it does not say what it was made from');
      return new TableFile(file, origin, batchSize, columns, metadata);
    });
  }

  get rows(): number {
    return Number(this.metadata.num_rows);
  }

  /**
   * The rows in order, one group at a time. A table without rows gives one piece without rows.
   * @throws {FisherlabError} if the file is damaged
   */
  async *pieces(): AsyncGenerator<Piece> {
    let start = 0;
    for (const { num_rows } of this.metadata.row_groups) {
      const rows = Number(num_rows);
      yield await reading(this.file, (buffer) => this.group(buffer, start, rows));
      start += rows;
    }
    if (start === 0) {
      const columns = this.columns.map((column) => ({ ...column, values: new Float64Array(0) }));
      yield { images: [], table: { rows: 0, batchSize: this.batchSize, columns } };
    }
  }

  /**
   * All rows, as a table in memory.
   * @throws {FisherlabError} if the file is damaged
   */
  async whole(): Promise<FeatureTable> {
    const values = this.columns.map(() => new Float64Array(this.rows));
    let row = 0;
    for await (const { table } of this.pieces()) {
      table.columns.forEach((column, j) => {
        values[j]?.set(column.values, row);
      });
      row += table.rows;
    }
    const columns = this.columns.map((column, j) => ({
      ...column,
      values: values[j] as Float64Array,
    }));
    return { rows: this.rows, batchSize: this.batchSize, columns };
  }

  private async group(file: AsyncBuffer, rowStart: number, rows: number): Promise<Piece> {
    const { parquetRead } = await import('hyparquet');
    const found = new Map<string, ArrayLike<unknown>>();
    await parquetRead({
      file,
      metadata: this.metadata,
      rowStart,
      rowEnd: rowStart + rows,
      onChunk: ({ columnName, columnData }) => void found.set(columnName, columnData),
    });
    const columns = this.columns.map((column) => ({
      ...column,
      values: Float64Array.from(found.get(nameOf(column)) as ArrayLike<number>),
    }));
    return {
      images: Array.from(found.get('image') as ArrayLike<number | string>),
      table: { rows, batchSize: this.batchSize, columns },
    };
  }
}

/**
 * Calls `read` with the bytes of a file.
 * @throws {FisherlabError} if `read` fails. Errors of the file system are passed on as they are
 */
async function reading<T>(file: string, read: (buffer: AsyncBuffer) => Promise<T>): Promise<T> {
  const opened = await open(file);
  try {
    const { size } = await opened.stat();
    return await read({
      byteLength: size,
      async slice(start, end = size) {
        const bytes = new Uint8Array(end - start);
        await opened.read(bytes, 0, bytes.length, start);
        return bytes.buffer;
      },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw unreadable(file, error);
  } finally {
    await opened.close();
  }
}

function unreadable(file: string, error: unknown): FisherlabError {
  return new FisherlabError(
    `'${file}' is not a feature table of this program, or is damaged (${(error as Error).message})`,
    "make it with 'fisherlab features'; if it was made that way, delete it first",
  );
}
