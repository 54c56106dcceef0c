/**
 * # Running and storing ablations
 *
 * Runs the ablations of a model (`ablations.ts`) or the ladder of models (`ladder.ts`), writes the
 * numbers into a folder and draws the figures.
 */
import { writeJson } from '../backend/index';
import type { LoadedModel } from '../models/index';
import { type Figure, saveFigure } from '../plots/index';
import { type AblationOptions, ablations } from './ablations';
import { type ClimbOptions, climb } from './ladder';
import { ablationsFile, figureFile } from './results-file';
import { ablationFigures, ladderFigures } from './tables-figures';

/** Runs the ablations of a model. @returns the path of the numbers */
export async function keepAblations(
  loaded: LoadedModel,
  sets: readonly string[],
  folder: string,
  options: AblationOptions,
): Promise<string> {
  const results = await ablations(loaded, sets, options);
  return keep(loaded.name, folder, results, ablationFigures(results));
}

/** Runs the ladder. @returns the path of the numbers */
export async function keepLadder(
  sets: readonly string[],
  folder: string,
  options: ClimbOptions,
): Promise<string> {
  const results = await climb(sets, options);
  return keep('ladder', folder, results, ladderFigures(results));
}

async function keep(
  name: string,
  folder: string,
  results: unknown,
  figures: readonly (readonly [string, Figure])[],
): Promise<string> {
  const file = ablationsFile(name, folder);
  await writeJson(file, results);
  for (const [what, figure] of figures)
    await saveFigure(figure, figureFile(folder, `ablations-${name}-${what}`));
  return file;
}
