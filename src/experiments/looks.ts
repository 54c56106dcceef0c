/**
 * # The record of looks
 *
 * Each candidate reported on the reporting pairs is a *look* at them, and p-values are corrected
 * for the number of looks. So each look is recorded in a file among the results before any score is
 * computed; an interrupted look counts too.
 */
import { readFile } from 'node:fs/promises';
import { writeBeside } from '../backend/index';
import { checkedJson } from '../checked-json';
import { LOOKS } from './results-file';
import { LOOKS_RECORD } from './results-schemas';

/** A candidate whose reporting pairs have been looked at. */
export interface Look {
  readonly candidate: string;
  readonly chosenFrom: number;
  /** The day of the first look. */
  readonly date: string;
  /** All pairs it has been reported on so far. */
  readonly pairs: readonly string[];
}

/**
 * Records that a candidate is tried on some pairs, unless that is recorded already. Further pairs
 * of the same candidate are added to its first look.
 * @returns all looks so far
 */
export async function recordLook(
  file: string,
  candidate: string,
  chosenFrom: number,
  pairs: readonly string[],
): Promise<readonly Look[]> {
  const before = await readLooks(file);
  const known = before.find((look) => look.candidate === candidate);
  const today = new Date().toISOString().slice(0, 10);
  const looks: readonly Look[] =
    known === undefined
      ? [...before, { candidate, chosenFrom, date: today, pairs }]
      : before.map((look) =>
          look === known ? { ...look, pairs: [...new Set([...look.pairs, ...pairs])] } : look,
        );
  if (JSON.stringify(looks) !== JSON.stringify(before))
    await writeBeside(file, `${JSON.stringify(looks, null, 2)}\n`);
  return looks;
}

/**
 * All looks so far; none if there is no such file.
 * @throws {FisherlabError} if the file is damaged
 */
export async function readLooks(file = LOOKS): Promise<readonly Look[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return checkedJson(text, LOOKS_RECORD, {
    what: `the record of looks '${file}'`,
    howToFix: 'restore it: git checkout',
  });
}
