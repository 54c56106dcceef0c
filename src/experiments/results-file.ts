/**
 * # Results on disk
 *
 * Every experiment writes one JSON file, which the README, notebooks and other programs read. The
 * names of the files are defined only here. Shipped results are in `data/results`; results of a
 * trial run with fewer images are never stored there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { inCheckout } from '../backend/index';
import { type CheckedThing, checked, checkedJson } from '../checked-json';
import { FisherlabError } from '../errors';
import type { ModelResults } from './paper-tables';
import { MODEL_RESULTS } from './results-schemas';

/** The shipped results. */
export const RESULTS = inCheckout('data', 'results');
/** The tables of fewer images with every method, including those that need many passes. */
export const COSTLY_RESULTS = path.join(RESULTS, 'costly');
/** The default folder for the results of a trial. */
export const TRIAL_RESULTS = inCheckout('out', 'results');
/** The results of the last `npm start`. */
export const LAST_START = inCheckout('out', 'results.json');

/** The shipped first experiment and its picture. */
export const FIRST_RESULTS = path.join(RESULTS, 'first-experiment.json');
export const FIRST_PICTURE = path.join(RESULTS, 'first-experiment.svg');
/** How good the shipped models are. */
export const PIXEL_BASELINE = path.join(RESULTS, 'pixel-statistics.json');
export const BEYOND_PIXELS = path.join(RESULTS, 'beyond-pixels.json');
export const MODEL_CARDS = path.join(RESULTS, 'models.json');
/** The cost of many images and large tables (`fisherlab bench scale`). */
export const SCALE = path.join(RESULTS, 'scale.json');
/** The time before anything is computed (`fisherlab bench start-up`). */
export const START_UP = path.join(RESULTS, 'start-up.json');
/** Times next to PyTorch's (`fisherlab bench peers`). */
export const SPEED = path.join(RESULTS, 'speed.json');
/** Times and memory of the notebook kernel (`fisherlab bench kernel`). */
export const KERNEL = path.join(RESULTS, 'kernel.json');
/** The rounds of choosing and reporting, and all looks at the reporting pairs. */
export const FLOW_ROUND = path.join(RESULTS, 'feature-combinations.json');
export const FAMILY_ROUND = path.join(RESULTS, 'family-combinations.json');
export const SINGLE_ROUND = path.join(RESULTS, 'single-detector.json');
/** The results of the fault campaign. */
export const FAULTS = path.join(RESULTS, 'faults.json');
export const LOOKS = path.join(RESULTS, 'reporting-looks.json');

/** The summary of all models' results in a folder. */
export function summaryFile(folder: string): string {
  return path.join(folder, 'summary.json');
}

const ABLATIONS = 'ablations-';

/** The command that writes results of models. */
const MODEL_TABLES = 'fisherlab experiment paper-tables';

/** Distinguishes a file of a model's results from other files. */
const OF_A_MODEL = v.object({
  rows: v.optional(v.unknown()),
  comparisons: v.optional(v.unknown()),
});

/** The ablations of a model, or `ladder`. */
export function ablationsFile(name: string, folder = RESULTS): string {
  return path.join(folder, `${ABLATIONS}${name}.json`);
}

/** The results of one model under one protocol. */
export function modelResultsFile(
  { family, in: own, protocol }: Pick<ModelResults, 'family' | 'in' | 'protocol'>,
  folder: string,
): string {
  return path.join(folder, `${family}-${own}${protocol === 'halves' ? '' : `-${protocol}`}.json`);
}

/**
 * The path of a figure for the results in a folder: in `out/figures` for the shipped results,
 * otherwise beside the results.
 */
export function figureFile(folder: string, stem: string): string {
  const within = path.relative(RESULTS, folder);
  const figures =
    within.startsWith('..') || path.isAbsolute(within)
      ? path.join(folder, 'figures')
      : inCheckout('out', 'figures', within);
  return path.join(figures, `${stem}.svg`);
}

/**
 * All results of models in a folder; none if there is no such folder. Other JSON files may be there
 * too: results are recognised by their `rows` and `comparisons`.
 * @throws {FisherlabError} if one of them is damaged
 */
export function readModelResults(folder: string): ModelResults[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter(
    (file) =>
      file.endsWith('.json') &&
      file !== path.basename(summaryFile(folder)) &&
      !file.startsWith(ABLATIONS),
  );
  return files.sort().flatMap((file) => {
    const place = path.join(folder, file);
    const text = readFileSync(place, 'utf8');
    const found = checkedJson(text, OF_A_MODEL, resultsIn(place, MODEL_TABLES));
    return found.rows === undefined || found.comparisons === undefined
      ? []
      : [checked(found, MODEL_RESULTS, resultsIn(place, MODEL_TABLES))];
  });
}

/**
 * Reads a file of results.
 * @param schema for its contents (`results-schemas.ts`)
 * @param command the command that writes it
 * @throws {FisherlabError} if there is no such file, or it does not match the schema
 */
export function readResultsFile<T>(
  file: string,
  schema: v.GenericSchema<unknown, T>,
  command: string,
): T {
  if (!existsSync(file))
    throw new FisherlabError(`there are no results in '${file}'`, `run ${command} first`);
  return checkedJson(readFileSync(file, 'utf8'), schema, resultsIn(file, command));
}

function resultsIn(file: string, command: string): CheckedThing {
  return { what: `the file of results '${file}'`, howToFix: `restore it, or run ${command}` };
}
