/**
 * # Tables as outputs
 *
 * A danfojs data frame or series is shown as a table. A feature table is shown by its columns: for
 * each the layer, the mean and the spread over batches. Long tables are cut, and say so.
 */
import { type Table, tableText } from '../terminal/index';
import { tableHtml } from './table-html';
import { countText } from './value-facts';
import type { Bundle } from './value-figure';

const ROWS = 20;
const COLUMNS = 12;

/** The part of a danfojs frame or series that is needed. */
interface DanfoFrame {
  readonly columns: readonly string[];
  readonly values: readonly unknown[];
  readonly shape: readonly number[];
}

/** A table as text and HTML. */
export function tableData(
  table: Table,
  options: { caption?: string; digits?: number } = {},
): Bundle {
  return { 'text/plain': tableText(table, options), 'text/html': tableHtml(table, options) };
}

export function isFrame(value: object): value is DanfoFrame {
  const { columns, values, shape } = value as Partial<DanfoFrame>;
  return (
    Array.isArray(columns) && Array.isArray(values) && Array.isArray(shape) && '$data' in value
  );
}

export function frameData({ columns, values }: DanfoFrame): Bundle {
  const rows = values.map((row) => (Array.isArray(row) ? row : [row]));
  const caption = `${countText(rows.length)} rows, ${countText(columns.length)} columns`;
  if (rows.length === 0 || columns.length === 0) return { 'text/plain': `empty table: ${caption}` };
  return tableData(
    {
      columns: columns.slice(0, COLUMNS).map(String),
      values: rows.slice(0, ROWS).map((row) => row.slice(0, COLUMNS)),
    },
    { caption: caption + cut(rows.length, ROWS) + cut(columns.length, COLUMNS) },
  );
}

/** As much of a feature table as is told. */
interface FeatureTableFacts {
  /** Number of batches. */
  readonly rows: number;
  readonly batchSize: number;
  readonly columns: readonly {
    readonly feature: string;
    readonly layer?: string;
    readonly size?: number;
    readonly values: Float64Array;
  }[];
}

export function isFeatureTable(value: object): value is FeatureTableFacts {
  const { rows, batchSize, columns } = value as Partial<FeatureTableFacts>;
  if (typeof rows !== 'number' || typeof batchSize !== 'number') return false;
  return (
    Array.isArray(columns) && columns.every((column) => column?.values instanceof Float64Array)
  );
}

export function featureTableData({ rows, batchSize, columns }: FeatureTableFacts): Bundle {
  const caption = `feature table: ${countText(rows)} batches of ${batchSize}, ${countText(columns.length)} columns`;
  if (columns.length === 0) return { 'text/plain': caption };
  const shown = columns.slice(0, ROWS).map(({ feature, layer, size, values }) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { feature, layer, size, mean, deviation: Math.sqrt(squares / values.length) };
  });
  return tableData(shown, { caption: caption + cut(columns.length, ROWS) });
}

const cut = (count: number, most: number): string => (count > most ? `, first ${most} shown` : '');
