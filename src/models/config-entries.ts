/**
 * # Entries of a configuration
 *
 * A configuration comes from a file or the command line, so its entries are checked before a model
 * is made from it. Each schema's message says what to give instead.
 */
import * as v from 'valibot';
import { FisherlabError } from '../errors';
import type { Family, ModelConfig } from './family';

const whole = (least: number, wanted: string) =>
  v.pipe(v.number(wanted), v.safeInteger(wanted), v.minValue(least, wanted));

/** A whole number from 1 on. */
export const count = whole(1, 'give a whole number from 1 on');

/** A whole number from 0 on. */
export const index = whole(0, 'give a whole number from 0 on');

const LIST = 'give a list of whole numbers from 1 on';

/** A list of whole numbers from 1 on, not empty. */
export const counts = v.pipe(v.array(whole(1, LIST), LIST), v.minLength(1, LIST));

const SIDES = 'give height, width and channels';
const imageShape = v.strictTuple([whole(1, SIDES), whole(1, SIDES), whole(1, SIDES)], SIDES);

/** @throws {FisherlabError} if an entry is missing, is nothing of the family, or cannot be */
export function checkConfig(family: Family, { family: _, ...entries }: ModelConfig): void {
  const own: Readonly<Record<string, v.GenericSchema>> = family.entries;
  const wanted = { imageShape, ...own, seed: index };
  const stray = Object.keys(entries).find((key) => !Object.hasOwn(wanted, key));
  if (stray !== undefined) {
    throw new FisherlabError(
      `'${stray}' is nothing of a ${family.name} model`,
      `its configuration holds ${Object.keys(wanted).join(', ')}`,
    );
  }
  for (const [key, schema] of Object.entries(wanted)) {
    const { success, issues } = v.safeParse(schema, entries[key]);
    if (success) continue;
    throw new FisherlabError(
      `'${key}' of a ${family.name} model is ${JSON.stringify(entries[key]) ?? 'missing'}`,
      issues[0].message,
    );
  }
}
