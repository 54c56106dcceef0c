/**
 * # Rows as a table
 *
 * danfojs data frames have no HTML form of their own. A table here is columns and rows of values. A
 * column of numbers is aligned at the right, and its numbers have equally many places.
 */
import { FisherlabError } from '../errors';
import { labelOf } from '../set-names';

/** As much of a danfojs `DataFrame` as is needed. */
export interface Frame {
  readonly columns: readonly string[];
  readonly values: unknown;
}

export type Table = Frame | readonly Readonly<Record<string, unknown>>[];

export interface TextColumn {
  readonly name: string;
  readonly numeric: boolean;
  readonly cells: readonly string[];
}

/** A table as text, columns two blanks apart. */
export function tableText(
  table: Table,
  { caption, digits = 3 }: { caption?: string; digits?: number } = {},
): string {
  const columns = textColumns(table, digits);
  const padded = columns.map(({ name, numeric, cells }) => {
    const width = Math.max(name.length, ...cells.map((cell) => cell.length));
    const pad = (text: string) => (numeric ? text.padStart(width) : text.padEnd(width));
    return [pad(name), '-'.repeat(width), ...cells.map(pad)];
  });
  const lines = (padded[0] as string[]).map((_, row) =>
    padded
      .map((column) => column[row])
      .join('  ')
      .trimEnd(),
  );
  return [...(caption === undefined ? [] : [caption]), ...lines].join('\n');
}

/**
 * The columns of a table as text: aligned numbers, names as people write them.
 * @throws {FisherlabError} if there are no rows, or a frame whose rows do not fit its columns
 */
export function textColumns(table: Table, digits: number): TextColumn[] {
  const { names, rows } = isFrame(table) ? fromFrame(table) : fromRows(table);
  if (names.length === 0 || rows.length === 0)
    throw new FisherlabError('the table is empty', 'give at least one row');
  return names.map((name, index) => {
    const values = rows.map((row) => row[index]);
    const present = values.filter((value) => value !== null && value !== undefined);
    const numeric = present.length > 0 && present.every((value) => typeof value === 'number');
    const whole = present.every((value) => Number.isInteger(value));
    return { name, numeric, cells: values.map((value) => cellText(value, whole ? 0 : digits)) };
  });
}

const isFrame = (table: Table): table is Frame =>
  'columns' in table && 'values' in table && Array.isArray(table.columns);

function fromFrame(frame: Frame): { names: readonly string[]; rows: unknown[][] } {
  const rows = (frame.values as unknown[]).map((row) => (Array.isArray(row) ? row : [row]));
  const uneven = rows.findIndex((row) => row.length !== frame.columns.length);
  if (uneven >= 0)
    throw new FisherlabError(
      `row ${uneven} of the table has not one value for each of its ${frame.columns.length} columns`,
      'fill it',
    );
  return { names: frame.columns, rows };
}

function fromRows(rows: readonly Readonly<Record<string, unknown>>[]): {
  names: string[];
  rows: unknown[][];
} {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return { names, rows: rows.map((row) => names.map((name) => row[name])) };
}

function cellText(value: unknown, digits: number): string {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'number') return labelOf(String(value));
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  const text =
    digits > 0 && size !== 0 && (size >= 1e7 || size < 0.5 * 10 ** -digits)
      ? value.toExponential(Math.max(1, digits - 1))
      : value.toFixed(digits);
  return text.replace('-', '−');
}
