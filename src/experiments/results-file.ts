/**
 * # Results on disk
 *
 * Every experiment leaves one JSON file, which README, notebooks and other programs read. Their
 * names are spelled here and nowhere else. What ships lies in `data/results`; the results of a
 * trial, which looks at fewer images, never do.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { inCheckout } from '../backend/index';
import { checked, checkedJson } from '../checked-json';
import { FisherlabError } from '../errors';
import type { ModelResults } from './paper-tables';

/** The results that ship. */
export const RESULTS = inCheckout('data', 'results');
/** The tables with every method, also those that need many passes, of fewer images. */
export const COSTLY_RESULTS = path.join(RESULTS, 'costly');
/** The results of a trial, unless told otherwise. */
export const TRIAL_RESULTS = inCheckout('out', 'results');
/** What the last `npm start` found. */
export const LAST_START = inCheckout('out', 'results.json');

/** The first experiment that ships, and its picture. */
export const FIRST_RESULTS = path.join(RESULTS, 'first-experiment.json');
export const FIRST_PICTURE = path.join(RESULTS, 'first-experiment.svg');
/** How good the shipped models are. */
export const PIXEL_BASELINE = path.join(RESULTS, 'pixel-statistics.json');
export const BEYOND_PIXELS = path.join(RESULTS, 'beyond-pixels.json');
export const MODEL_CARDS = path.join(RESULTS, 'models.json');
/** What many images and large tables cost (`fisherlab bench scale`). */
export const SCALE = path.join(RESULTS, 'scale.json');
/** Times beside PyTorch's (`fisherlab bench peers`). */
export const SPEED = path.join(RESULTS, 'speed.json');
/** The rounds of choosing and reporting, and all looks at the reporting pairs. */
export const FLOW_ROUND = path.join(RESULTS, 'feature-combinations.json');
export const FAMILY_ROUND = path.join(RESULTS, 'family-combinations.json');
export const SINGLE_ROUND = path.join(RESULTS, 'single-detector.json');
/** What the campaign of faults found. */
export const FAULTS = path.join(RESULTS, 'faults.json');
export const LOOKS = path.join(RESULTS, 'reporting-looks.json');

/** The summary of all models' results in a folder. */
export function summaryFile(folder: string): string {
  return path.join(folder, 'summary.json');
}

const ABLATIONS = 'ablations-';

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
 * A figure of the results in a folder: beside them in a folder of one's own, in `out/figures` of
 * those that ship.
 */
export function figureFile(folder: string, stem: string): string {
  const within = path.relative(RESULTS, folder);
  const figures =
    within.startsWith('..') || path.isAbsolute(within)
      ? path.join(folder, 'figures')
      : inCheckout('out', 'figures', within);
  return path.join(figures, `${stem}.svg`);
}

const ESTIMATE = v.looseObject({ value: v.nullable(v.number()) });
const MODEL_RESULTS = v.looseObject({
  model: v.string(),
  rows: v.array(
    v.looseObject({
      in: v.string(),
      out: v.string(),
      batchSize: v.number(),
      method: v.string(),
      auroc: ESTIMATE,
      aupr: ESTIMATE,
      fpr95: ESTIMATE,
    }),
  ),
  comparisons: v.array(
    v.looseObject({ reference: v.string(), methods: v.array(v.looseObject({})) }),
  ),
});
/** Any JSON but a lone number or text: other files may lie among the results. */
const SOME_JSON = v.union([v.array(v.unknown()), v.looseObject({})]);

/**
 * All results of models in a folder; none where there is no such folder.
 * @throws {FisherlabError} if a file is damaged
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
    const thing = {
      what: `the results in '${path.join(folder, file)}'`,
      howToFix: 'restore the file, or remove it and run fisherlab experiment model again',
    };
    const found = checkedJson(readFileSync(path.join(folder, file), 'utf8'), SOME_JSON, thing);
    // other files may lie here too
    if (!('rows' in found && 'comparisons' in found)) return [];
    return [checked(found, MODEL_RESULTS, thing) as unknown as ModelResults];
  });
}

/**
 * What a file of results holds.
 * @param command how to get it
 * @throws {FisherlabError} if there is no such file, or no JSON in it
 */
export function readResultsFile(file: string, command: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new FisherlabError(`there are no results in '${file}'`, `run ${command} first`);
  }
}
