/**
 * # The result of a cell
 *
 * Tensors, models, data sets and figures have their own displays (`src/notebook/rich-data.ts`,
 * loaded with the first value that is an object). Anything else is shown as by Node's `inspect`.
 */
import path from 'node:path';
import { inspect, types } from 'node:util';
import { loader } from './hook';
import type { Bundle, Metadata } from './messages';

/**
 * The part of the room `notebook` that is needed. It is looked up each time, because it may have
 * been edited.
 */
interface Values {
  richData(value: unknown): Promise<Bundle> | undefined;
  bundleMetadata(data: Bundle): Metadata;
}

const NOTEBOOK = path.join(loader.root, 'src', 'notebook');

/** A value in all forms in which it can be shown. */
export async function shownValue(value: unknown): Promise<{ data: Bundle; metadata: Metadata }> {
  const plain = { data: { 'text/plain': plainText(value) }, metadata: {} };
  if (typeof value !== 'object' || value === null || types.isPromise(value)) return plain;
  const { richData } = require(path.join(NOTEBOOK, 'rich-data.ts')) as Values;
  const rich = richData(value);
  if (rich === undefined) return plain;
  const data = await rich;
  const { bundleMetadata } = require(path.join(NOTEBOOK, 'value-figure.ts')) as Values;
  return { data, metadata: bundleMetadata(data) };
}

function plainText(value: unknown): string {
  const text = inspect(value, { depth: 2, maxArrayLength: 20 });
  // Hide the symbols that asynchronous hooks add to promises.
  return types.isPromise(value)
    ? text.replace(/,\s+\[Symbol\(async_id_symbol\)\][\s\S]*$/, ' }')
    : text;
}
