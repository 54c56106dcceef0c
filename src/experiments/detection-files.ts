/**
 * # The files of a detection
 *
 * - `scores.csv` or `scores.json`: a row for each image and model; images that were left out have a
 *   row with the reason;
 * - `most-and-least.png`: the strangest and the most familiar images with their p-values;
 * - `scores.svg`: the scores of the usual images and of the others, and the threshold.
 *
 * With several models, each has its own figures, whose names begin with that of the model.
 */
import path from 'node:path';
import { writeBeside } from '../backend/index';
import { picked, treatmentText } from '../data/index';
import { intervalText } from '../interval-text';
import { type Figure, histogram, imageGrid, toPng, toSvg } from '../plots/index';
import { type ClassMetrics, type Detection, type Scored, strangestFirst } from './detection';

/** Images in each row of the contact sheet. */
const SHOWN = 10;
/** Up to this many classes get their own curves. */
const CURVES = 5;

/** What was written. */
export interface DetectionFiles {
  /** The path of the scores. */
  readonly scores: string;
  /** The figures of each detection as SVG: scores, and the strangest and most familiar images. */
  readonly drawings: readonly (readonly [scores: string, extremes: string])[];
}

/**
 * Writes the scores and figures of detections of the same paths, one detection per model. Drawing
 * takes longer than scoring a few images, so each figure is drawn once.
 */
export async function writeDetections(
  detections: readonly Detection[],
  folder: string,
  format: 'csv' | 'json',
): Promise<DetectionFiles> {
  const scores = path.join(folder, `scores.${format}`);
  await writeBeside(scores, format === 'json' ? json(detections) : csv(detections));
  const drawings: (readonly [string, string])[] = [];
  for (const detection of detections) {
    const before = detections.length === 1 ? '' : `${path.basename(detection.model)}-`;
    const curves = await toSvg(scoresFigure(detection));
    const extremes = await toSvg(extremesFigure(detection));
    await writeBeside(path.join(folder, `${before}scores.svg`), curves);
    await writeBeside(path.join(folder, `${before}most-and-least.png`), toPng(extremes));
    drawings.push([curves, extremes]);
  }
  return { scores, drawings };
}

const COLUMNS = 'model,image,class,score,error,p,strange,sure,treatment,left out';

/** A CSV line for each model and image, in the format of RFC 4180. */
export function csv(detections: readonly Detection[]): string {
  const lines = detections.flatMap(({ model, images, own }) => [
    ...images.map((one, k) => {
      const treatment = treatmentText(own.treatments[k] as Detection['own']['treatments'][number]);
      const { image, class: label, score, error, p, strange, sure } = one;
      const numbers = [score, error, p, yesOrNo(strange), yesOrNo(sure)].join();
      return [...[model, image, label].map(quoted), numbers, quoted(treatment), ''].join();
    }),
    ...own.leftOut.map(({ name, reason }) =>
      [...[model, name].map(quoted), ',,,,,,', quoted(reason)].join(),
    ),
  ]);
  return [COLUMNS, ...lines, ''].join('\n');
}

/** All results as JSON for programs, with an entry per model. */
function json(detections: readonly Detection[]): string {
  const entries = detections.map(({ own, usualScores: _, images, ...about }) => ({
    ...about,
    images: images.map((one, k) => ({
      ...one,
      treatment: treatmentText(own.treatments[k] as Detection['own']['treatments'][number]),
    })),
    leftOut: own.leftOut,
    hidden: own.hidden,
  }));
  return `${JSON.stringify(entries, null, 1)}\n`;
}

/** The threshold and how many images are above it, in sentences. */
export function inWords(found: Detection): string[] {
  const { images, threshold, detector, in: usual, draws } = found;
  const { falsePositiveRate, usual: count, score, rate } = threshold;
  const strange = images.filter((image) => image.strange);
  const surely = strange.filter((image) => image.sure).length;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return [
    `${strange.length} of ${images.length} images are strange at a false-positive rate of ${100 * falsePositiveRate} %, ${surely} of them surely (of usual images: ${(falsePositiveRate * images.length).toFixed(1)}), by ${detector}, each a mean of ${draws} draws of noise`,
    `threshold ${score.value.toPrecision(6)} [${score.low.toPrecision(6)}, ${score.high.toPrecision(6)}] from ${count} images of ${usual} that fitted nothing: its rate is ${percent(rate.value)} [${percent(rate.low)}, ${percent(rate.high)}]`,
  ];
}

/** Table rows that say how well each class is told from the usual images. */
export function classRows(classes: readonly ClassMetrics[]): Record<string, string | number>[] {
  return classes.map(({ class: name, images, auroc, aupr, fpr95 }) => ({
    class: name,
    images,
    AUROC: intervalText(auroc),
    AUPR: intervalText(aupr),
    FPR95: intervalText(fpr95),
  }));
}

export const yesOrNo = (yes: boolean): string => (yes ? 'yes' : 'no');

/**
 * A field of a CSV file. Spreadsheets compute what begins like a formula, and names of files are
 * anybody's: such a text begins with an apostrophe, which they take for "this is text".
 */
export function quoted(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** The strangest images in a row above the most familiar ones; few images make a single row. */
function extremesFigure({ own: { images: own }, images: results }: Detection): Figure {
  const order = strangestFirst(results);
  const each = Math.min(SHOWN, Math.max(1, Math.floor(order.length / 2)));
  const shown = order.length < 2 ? order : [...order.slice(0, each), ...order.slice(-each)];
  return imageGrid(picked(own, shown).images, [shown.length, ...own.shape], {
    columns: each,
    captions: shown.map((k) => `p = ${(results[k] as Scored).p.toPrecision(2)}`),
    rows: order.length < 2 ? ['strangest'] : ['strangest', 'most familiar'],
  });
}

/**
 * The scores of the usual images and of the others, with the threshold. If there are few classes,
 * each has its own curve.
 */
function scoresFigure({ images, usualScores, threshold, in: usual, detector }: Detection): Figure {
  const names = [...new Set(images.map((image) => image.class))];
  const byClass = names.length > 1 && names.length <= CURVES;
  const groups = byClass
    ? names.map((name) => ({
        name: name === '' ? 'without a class' : name,
        values: images.filter((image) => image.class === name).map(({ score }) => score),
      }))
    : [{ name: 'your images', values: images.map(({ score }) => score) }];
  const { value } = threshold.score;
  return histogram([{ name: usual, values: usualScores }, ...groups], {
    x: `score by ${detector} (higher = stranger)`,
    guides: [{ axis: 'x', value, label: `threshold at ${100 * threshold.falsePositiveRate} %` }],
  });
}
