/**
 * # Comparison with the paper's own code
 *
 * A directory of reference files has files of models (`src/models/parity.ts` describes them) and
 * `detector.json`, with features and the scores and AUROC that the paper's detector gives for them.
 * Each file is compared separately and gives one line,
 *
 *     tensors=1353 objective=1.2e-7 p99=3.1e-6 worst=8.9e-4 ok
 *
 * with the relative errors of the objective and of the squared gradient norms, and ` nudges=2`
 * before the verdict if an input of a ReLU was so close to 0 that the images had to be moved
 * slightly, twice.
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { FeatureTable } from '../detectors/index';
import { layerwise } from '../detectors/index';
import { FisherlabError } from '../errors';
import { auroc } from '../evaluation/index';
import { compareWithReference, readJson, relativeError } from '../models/index';

interface DetectorFile {
  readonly fit: number[][];
  readonly id: number[][];
  readonly ood: number[][];
  readonly scoreId: number[];
  readonly scoreOod: number[];
  readonly auroc: number;
}

/** The tolerance for the detector's float64 arithmetic. */
const DETECTOR_TOLERANCE = 1e-9;

/**
 * The JSON files of a directory that are reference files, by name.
 * @throws {FisherlabError} if there are none
 */
export function referenceFiles(directory: string): string[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new FisherlabError(
      `'${directory}' is not a directory`,
      'give the one that holds the reference files',
    );
  }
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  const references = names
    .filter((name) => isDetector(name) || isOrMayBeModel(path.join(directory, name)))
    .sort();
  if (references.length === 0) {
    throw new FisherlabError(
      `'${directory}' holds no reference files`,
      "they are JSON with a key 'model', and detector.json",
    );
  }
  return references;
}

function isDetector(name: string): boolean {
  return path.basename(name) === 'detector.json';
}

/**
 * Other JSON files are skipped. A file that cannot be parsed is not skipped, because it may be a
 * damaged reference file.
 */
function isOrMayBeModel(file: string): boolean {
  try {
    return 'model' in (readJson(file) as object);
  } catch {
    return true;
  }
}

/** Compares one file. Returns its line, and whether it is within the tolerances. */
export function compareReferenceFile(file: string): { line: string; ok: boolean } {
  try {
    if (isDetector(file)) return compareDetector(file);
    const { tensors, objective, p99, worst, nudges, ok } = compareWithReference(file);
    const errors = [objective, p99, worst].map((error) => error.toExponential(1));
    const moved = nudges > 0 ? ` nudges=${nudges}` : '';
    const line = `tensors=${tensors} objective=${errors[0]} p99=${errors[1]} worst=${errors[2]}${moved} ${ok ? 'ok' : 'beyond the tolerances'}`;
    return { line, ok };
  } catch (error) {
    if (error instanceof FisherlabError) return { line: error.message, ok: false };
    throw error;
  }
}

/** The reference's scores are higher *in* distribution, ours higher out of it. */
function compareDetector(file: string): { line: string; ok: boolean } {
  const reference = readJson(file) as DetectorFile;
  for (const key of ['fit', 'id', 'ood', 'scoreId', 'scoreOod'] as const) {
    if (!Array.isArray(reference[key])) {
      throw new FisherlabError(
        `it has no list '${key}'`,
        'the file is damaged or of another format',
      );
    }
  }
  const detector = layerwise().fit(tableOf(reference.fit));
  const [inside, outside] = [
    detector.score(tableOf(reference.id)),
    detector.score(tableOf(reference.ood)),
  ];
  const errors = [
    ...reference.scoreId.map((score, k) => relativeError(-(inside[k] as number), score)),
    ...reference.scoreOod.map((score, k) => relativeError(-(outside[k] as number), score)),
  ];
  const worst = errors.reduce((most, error) => Math.max(most, error), 0);
  const ofAuroc = relativeError(auroc(inside, outside), reference.auroc);
  const ok = worst <= DETECTOR_TOLERANCE && ofAuroc <= DETECTOR_TOLERANCE;
  const line = `scores=${errors.length} worst=${worst.toExponential(1)} auroc=${ofAuroc.toExponential(1)} ${ok ? 'ok' : 'beyond the tolerances'}`;
  return { line, ok };
}

function tableOf(rows: readonly (readonly number[])[]): FeatureTable {
  const columns = (rows[0] ?? []).map((_, j) => ({
    feature: 'squared-norm',
    layer: `layer.${j}`,
    values: Float64Array.from(rows, (row) => row[j] as number),
  }));
  return { rows: rows.length, batchSize: 1, columns };
}
