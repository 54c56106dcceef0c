/**
 * # Scores of tables made elsewhere
 *
 * Feature tables may come from a cluster; detectors take only milliseconds. Half of the table of a
 * usual set fits them, and the other half shows which scores are usual, as in `detection.ts`. The
 * rows of other tables are scored a few thousand at a time, by every given detector. No model is
 * loaded.
 */

import { detector, pValues } from '../detectors/index';
import { FisherlabError } from '../errors';
import { halves } from '../evaluation/index';
import { TableFile } from '../features/index';

export interface TableDetectionOptions {
  /** The file of the usual set. */
  readonly in: string;
  /** The files to score. */
  readonly features: readonly string[];
  readonly detectors: readonly string[];
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** The result of one detector for one batch. */
export interface ScoredBatch {
  readonly file: string;
  /** The batch's first image: its name, or its number in its set. */
  readonly image: string;
  readonly B: number;
  readonly detector: string;
  readonly score: number;
  readonly p: number;
}

/** What two tables must share to be comparable. */
const SHARED = ['numbers', 'backend', 'model', 'seed', 'features'];

/**
 * Scores the rows of all files, in order, by each detector.
 * @throws {FisherlabError} if a file is not a feature table, if the tables differ in model,
 *   features, seed or batch size, or if a detector is unknown or needs columns they do not have
 */
export async function* detectInTables(options: TableDetectionOptions): AsyncGenerator<ScoredBatch> {
  const usual = await opened(options.in);
  const { fit, score } = halves(await usual.whole());
  const fitted = options.detectors.map((name) => {
    const one = detector(name, options.seed).fit(fit);
    return { name, one, usual: one.score(score) };
  });
  for (const file of options.features) {
    const given = await opened(file);
    assertComparable(usual, given);
    for await (const { images, table } of given.pieces()) {
      options.signal?.throwIfAborted();
      for (const { name, one, usual: reference } of fitted) {
        const scores = one.score(table);
        const p = pValues(reference, scores);
        for (let row = 0; row < table.rows; row++)
          yield {
            file,
            image: String(images[row]),
            B: table.batchSize,
            detector: name,
            score: scores[row] as number,
            p: p[row] as number,
          };
      }
    }
  }
}

/** @throws {FisherlabError} if there is no such file, or it is not a table */
async function opened(file: string): Promise<TableFile> {
  try {
    return await TableFile.open(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new FisherlabError(
      `'${file}' cannot be read (${(error as NodeJS.ErrnoException).code})`,
      "give a file made by 'fisherlab features'",
    );
  }
}

function assertComparable(usual: TableFile, given: TableFile): void {
  const differ = SHARED.filter(
    (key) => JSON.stringify(usual.origin[key]) !== JSON.stringify(given.origin[key]),
  );
  if (usual.batchSize !== given.batchSize) differ.push('B');
  if (differ.length > 0)
    throw new FisherlabError(
      `'${usual.file}' and '${given.file}' cannot be compared: they differ in ${differ.join(', ')}`,
      'make both with the same fisherlab features command',
    );
}
