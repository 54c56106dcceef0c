/**
 * # How strange are these images?
 *
 * A detector is fitted on half of the usual images (`usual-images.ts`). The other half, which it
 * has not seen, shows which scores are usual. Each of the given images gets
 *
 * - a score, higher = stranger: a mean over several draws of noise, with the standard error of that
 *   mean (`detectors/several-draws.ts`);
 * - a conformal p-value, the share of usual scores that are at least as high
 *   (`detectors/p-values.ts`). Among images like the usual ones, at most a share α has p ≤ α. The
 *   smallest possible p is 1 / (usual images + 1);
 * - a verdict at a given false-positive rate, and whether the verdict is certain
 *   (`evaluation/threshold.ts`).
 *
 * These results depend only on the image and the seed, not on the other images scored with it. If
 * the classes of the images are known, from folders or a file, each class is also compared with the
 * usual images, which tests the detector.
 */
import { type Own, type OwnOptions, ownImages, ownLabels } from '../data/index';
import { detector, errorOfDraws, meanOverDraws, pValues } from '../detectors/index';
import { FisherlabError } from '../errors';
import {
  halves,
  type MetricEstimates,
  metricsWithIntervals,
  resamplingSeed,
  type Threshold,
  thresholdFor,
  verdict,
} from '../evaluation/index';
import { featuresOf, needsOf } from '../features/index';
import { disposeModel, drawsOf, type LoadedModel, loadModel } from '../models/index';
import { drawnRows, usualImages } from './usual-images';

export interface DetectionOptions
  extends Pick<OwnOptions, 'fit' | 'layout' | 'values' | 'strict' | 'signal'> {
  /** A shipped model, or the path of a checkpoint. */
  readonly model: string;
  /** The usual images: a data set, or paths; by default the set that the model was trained on. */
  readonly in?: readonly string[];
  /** The images to score: files, arrays, or folders of them. */
  readonly out: readonly string[];
  /** A CSV file of their classes; by default their folders are the classes. */
  readonly labels?: string;
  /** The class to compare the others with; by default the usual images. */
  readonly usualClass?: string;
  /** The name of a detector. */
  readonly detector: string;
  readonly falsePositiveRate: number;
  readonly seed: number;
  /** How many of the first images of the usual set to use; by default all. */
  readonly limit?: number;
  readonly progress?: (what: string, done: number, total: number) => void;
}

/** The result for one image. */
export interface Scored {
  readonly image: string;
  readonly class: string;
  readonly score: number;
  /** The standard error of the score, from the finite number of noise draws. */
  readonly error: number;
  readonly p: number;
  readonly strange: boolean;
  readonly sure: boolean;
}

/** How well a class is told from the usual images. */
export interface ClassMetrics extends MetricEstimates {
  readonly class: string;
  readonly images: number;
  readonly usualImages: number;
}

export interface Detection {
  readonly model: string;
  readonly in: string;
  readonly detector: string;
  readonly seed: number;
  /** Draws of noise for each image. */
  readonly draws: number;
  readonly threshold: Threshold;
  readonly images: readonly Scored[];
  readonly classes: readonly ClassMetrics[];
  /** Where the usual images come from, and the scores of those that were not fitted on. */
  readonly source: string;
  readonly usualScores: Float64Array;
  /** The images as they were read. */
  readonly own: Own;
}

/**
 * Scores images.
 * @throws {FisherlabError} if a name is unknown, if images cannot be read or do not have the
 *   model's size and channels, if the model lacks what the detector reads, or if there are too few
 *   usual images
 */
export async function detect(options: DetectionOptions): Promise<Detection> {
  const { seed, falsePositiveRate, progress: step, signal } = options;
  const chosen = detector(options.detector, seed);
  const features = needsOf(options.detector);
  const loaded = loadModel(options.model);
  try {
    assertHas(loaded, options.detector, features);
    const reading = readingFor(loaded, options);
    const own = await ownImages(options.out, reading);
    const classes = await classesOf(own, options);
    const work = {
      seed,
      features,
      progress: (set: string, done: number, total: number, what: string) =>
        step?.(`${what} of ${set}`, done, total),
      ...(signal === undefined ? {} : { signal }),
    };
    const { in: words, limit } = options;
    const usual = await usualImages(loaded, {
      ...work,
      reading,
      ...(words === undefined ? {} : { in: words }),
      ...(limit === undefined ? {} : { limit }),
    });
    const { fit, score } = halves(usual.table);
    const fitted = chosen.fit(fit);
    const usualScores = fitted.score(score);
    const threshold = thresholdFor(falsePositiveRate, usualScores);

    const draws = drawsOf(loaded.model);
    const rows = await drawnRows(loaded, own.images, work);
    const scores = fitted.score(meanOverDraws(rows, draws));
    const errors = errorOfDraws(rows, draws, (without) => fitted.score(without));
    const p = pValues(usualScores, scores);
    const images = own.images.names.map((image, k): Scored => {
      const [value, error] = [scores[k] as number, errors[k] as number];
      const { strange, sure } = verdict(threshold, value, error);
      const label = classes[k] as string;
      return { image, class: label, score: value, error, p: p[k] as number, strange, sure };
    });
    return {
      model: loaded.name,
      in: usual.name,
      detector: chosen.name,
      seed,
      draws,
      threshold,
      images,
      classes: classMetrics(images, usualScores, options),
      source: usual.source,
      usualScores,
      own,
    };
  } finally {
    disposeModel(loaded.model);
  }
}

/** Indices of images, from the highest score to the lowest. */
export function strangestFirst(results: readonly Pick<Scored, 'score'>[]): number[] {
  return results
    .map((_, k) => k)
    .sort((a, b) => (results[b] as Scored).score - (results[a] as Scored).score);
}

/** @throws {FisherlabError} if this model cannot have one of the features */
function assertHas(loaded: LoadedModel, method: string, features: readonly string[]): void {
  if (features.length === 0) return;
  const there = featuresOf(loaded);
  const lacks = features.filter((feature) => !there.includes(feature));
  if (lacks.length > 0)
    throw new FisherlabError(
      `'${method}' needs ${lacks.join(', ')}, which the ${loaded.model.family} model '${loaded.name}' does not have`,
      'choose another detector or model',
    );
}

/** How to read images so that they fit the model. */
function readingFor(
  { model }: LoadedModel,
  { fit, layout, values, strict, signal }: DetectionOptions,
): OwnOptions {
  const [height, width, channels] = model.imageShape;
  return {
    height,
    width,
    channels,
    ...(fit === undefined ? {} : { fit }),
    ...(layout === undefined ? {} : { layout }),
    ...(values === undefined ? {} : { values }),
    ...(strict === undefined ? {} : { strict }),
    ...(signal === undefined ? {} : { signal }),
  };
}

async function classesOf(
  { images, leftOut }: Own,
  { labels, usualClass }: DetectionOptions,
): Promise<readonly string[]> {
  const others = leftOut.map(({ name }) => name);
  const classes =
    labels === undefined ? images.classes : await ownLabels(labels, images.names, others);
  if (usualClass !== undefined && !classes.includes(usualClass))
    throw new FisherlabError(
      `no image is of the class '${usualClass}'`,
      `choose one of ${[...new Set(classes)].filter((name) => name !== '').join(', ') || 'the classes that --labels or folders give'}`,
    );
  return classes;
}

/** Compares every class with the usual images, or with the images of the usual class. */
function classMetrics(
  images: readonly Scored[],
  usualScores: Float64Array,
  { usualClass, seed, in: words = ['usual'] }: DetectionOptions,
): ClassMetrics[] {
  const scoresOf = (name: string) =>
    images.filter((image) => image.class === name).map(({ score }) => score);
  const usual = usualClass === undefined ? usualScores : scoresOf(usualClass);
  const names = new Set(images.map((image) => image.class));
  return [...names]
    .filter((name) => name !== '' && name !== usualClass)
    .map((name) => {
      const scores = scoresOf(name);
      const resampling = {
        seed: resamplingSeed(seed),
        inName: usualClass ?? words.join(' '),
        outName: name,
      };
      return {
        class: name,
        images: scores.length,
        usualImages: usual.length,
        ...metricsWithIntervals(usual, scores, resampling),
      };
    });
}
