/**
 * # How strange are these images?
 *
 * A detector is fitted on the first half of a set's test images; the second half, which it has not
 * seen, says which scores are usual. Each of the given images gets a score (higher = stranger) and
 * a conformal p-value, the share of usual scores that are as high (`detectors/p-values.ts`): of
 * images that are like the set, at most a share α has p ≤ α. The smallest p there can be is 1 /
 * (usual images + 1).
 */
import path from 'node:path';
import { writeBeside } from '../backend/index';
import { dataset, type Images, type Own, ownImages } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { detector, pValues } from '../detectors/index';
import { FisherlabError } from '../errors';
import { halves } from '../evaluation/index';
import { featuresOf, featureTables, needsOf } from '../features/index';
import { disposeModel, type LoadedModel, loadModel } from '../models/index';
import { type Figure, imageGrid, saveFigure } from '../plots/index';

/** Images in each row of the contact sheet. */
const SHOWN = 10;

export interface DetectionOptions {
  /** A shipped model, or the path of a checkpoint. */
  readonly model: string;
  /** What is usual; the set that the model was trained on where left out. */
  readonly in?: string;
  /** The images: files, arrays or folders of them. */
  readonly out: readonly string[];
  /** The name of a detector. */
  readonly detector: string;
  readonly seed: number;
  /** The first images of the usual set; all where left out. */
  readonly limit?: number;
  readonly progress?: (what: string, done: number, total: number) => void;
  /** Stops the work between two passes. */
  readonly signal?: AbortSignal;
}

/** One image's result. */
export interface Scored {
  readonly image: string;
  readonly score: number;
  readonly p: number;
}

export interface Detection {
  readonly model: string;
  readonly in: string;
  readonly detector: string;
  /** Usual images that p-values are made of. */
  readonly usualImages: number;
  readonly seed: number;
  readonly images: readonly Scored[];
  /** Where the usual images come from, and the images as they were read. */
  readonly source: string;
  readonly own: Own;
}

/**
 * Scores images.
 * @throws {FisherlabError} if a name is not known, images cannot be read or are of another kind
 *   than the model's, or the model lacks what the detector reads
 */
export async function detect(options: DetectionOptions): Promise<Detection> {
  const { seed, limit } = options;
  const chosen = detector(options.detector, seed);
  const loaded = loadModel(options.model);
  try {
    const usual = await dataset(
      options.in ?? loaded.header.data.name,
      'test',
      limit === undefined ? {} : { limit },
    );
    const [height, width, channels] = loaded.model.imageShape;
    if (usual.shape[2] !== channels) {
      throw new FisherlabError(
        `'${usual.name}' has ${usual.shape[2]} channels and the model '${loaded.name}' takes ${channels}`,
        'choose a set of the kind the model was trained on',
      );
    }
    const { signal } = options;
    const own = await ownImages(options.out, {
      height,
      width,
      channels,
      ...(signal === undefined ? {} : { signal }),
    });
    const [inside, given] = (await tablesFor(
      loaded,
      [usual, own.images],
      options.detector,
      seed,
      options,
    )) as [FeatureTable, FeatureTable];
    const { fit, score } = halves(inside);
    const fitted = chosen.fit(fit);
    const scores = fitted.score(given);
    const p = pValues(fitted.score(score), scores);
    return {
      model: loaded.name,
      in: usual.name,
      detector: chosen.name,
      usualImages: score.rows,
      seed,
      images: own.images.names.map(
        (image, k): Scored => ({ image, score: scores[k] as number, p: p[k] as number }),
      ),
      source: usual.source,
      own,
    };
  } finally {
    disposeModel(loaded.model);
  }
}

/**
 * Writes `scores.csv` or `scores.json`, and `most-and-least.png`, the strangest and the most
 * familiar images with their p-values.
 * @returns where they are
 */
export async function writeDetection(
  detection: Detection,
  folder: string,
  format: 'csv' | 'json',
): Promise<{ scores: string; sheet: string }> {
  const scores = path.join(folder, `scores.${format}`);
  const { source: _, own: __, ...about } = detection;
  await writeBeside(
    scores,
    format === 'json' ? `${JSON.stringify(about, null, 1)}\n` : csv(detection.images),
  );
  const sheet = path.join(folder, 'most-and-least.png');
  await saveFigure(contactSheet(detection), sheet);
  return { scores, sheet };
}

/**
 * Tables of single images with the columns that a detector reads.
 * @throws {FisherlabError} if this model cannot have one of them
 */
async function tablesFor(
  loaded: LoadedModel,
  sets: readonly Images[],
  name: string,
  seed: number,
  { progress: step, signal }: Pick<DetectionOptions, 'progress' | 'signal'>,
): Promise<FeatureTable[]> {
  const features = needsOf(name);
  const there = featuresOf(loaded);
  const lacks = features.filter((feature) => !there.includes(feature));
  if (lacks.length > 0) {
    throw new FisherlabError(
      `'${name}' needs ${lacks.join(', ')}, which the ${loaded.model.family} model '${loaded.name}' does not have`,
      'choose another detector or model',
    );
  }
  const tables = await featureTables(loaded, sets, {
    batchSizes: [1],
    seed,
    features,
    ...(signal === undefined ? {} : { signal }),
    progress: (set, images, total, what) => step?.(`${what} of ${set}`, images, total),
  });
  return tables.map(([table]) => table as FeatureTable);
}

/** `image,score,p`, as RFC 4180 writes it. */
export function csv(results: readonly Scored[]): string {
  return [
    'image,score,p',
    ...results.map(({ image, score, p }) => `${quoted(image)},${score},${p}`),
    '',
  ].join('\n');
}

/** A field of a CSV file. */
export function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Indices of images by score, downwards. */
export function strangestFirst(results: readonly Scored[]): number[] {
  return results
    .map((_, k) => k)
    .sort((a, b) => (results[b] as Scored).score - (results[a] as Scored).score);
}

/** The strangest images above, the most familiar below; few images make one row. */
function contactSheet({ own: { images: own }, images: results }: Detection): Figure {
  const order = strangestFirst(results);
  const each = Math.min(SHOWN, Math.max(1, Math.floor(order.length / 2)));
  const shown = order.length < 2 ? order : [...order.slice(0, each), ...order.slice(-each)];
  const size = own.images.length / own.count;
  const pixels = new Uint8Array(shown.length * size);
  shown.forEach((k, at) => {
    pixels.set(own.images.subarray(k * size, (k + 1) * size), at * size);
  });
  return imageGrid(pixels, [shown.length, ...own.shape], {
    columns: each,
    captions: shown.map((k) => `p = ${(results[k] as Scored).p.toPrecision(2)}`),
    rows: order.length < 2 ? ['strangest'] : ['strangest', 'most familiar'],
  });
}
