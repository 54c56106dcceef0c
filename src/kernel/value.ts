/**
 * # The result of a cell
 *
 * What the program is about (tensors, models, data sets, figures) it shows itself
 * (`src/notebook/rich-data.ts`, loaded with the first value that is an object); anything else is
 * shown as Node's `inspect` does.
 */
import path from 'node:path';
import { inspect, types } from 'node:util';
import { loader } from './hook';
import type { Bundle, Metadata } from './messages';

/** As much of the room `notebook` as is needed. It is looked up each time: it may be edited. */
interface Values {
  richData(value: unknown): Promise<Bundle> | undefined;
  bundleMetadata(data: Bundle): Metadata;
}

const NOTEBOOK = path.join(loader.root, 'src', 'notebook');

/** A value in all the forms in which it can be shown. */
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
  // What asynchronous hooks wrote into a promise is nobody's business.
  return types.isPromise(value)
    ? text.replace(/,\s+\[Symbol\(async_id_symbol\)\][\s\S]*$/, ' }')
    : text;
}
