/**
 * # The record of looks
 *
 * Whoever reports on pairs has looked at them, and p-values are corrected for all who did. So each
 * look is written down, in a file that belongs to the results, before a score is computed: a look
 * that was interrupted was a look.
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
  /** All that it was reported on so far. */
  readonly pairs: readonly string[];
}

/**
 * Writes down that a candidate's pairs are looked at; nothing where that is known. Another look of
 * the same candidate adds its pairs to the first.
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
 * Looks so far; none where there is no such file.
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
