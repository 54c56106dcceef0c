/**
 * # `fisherlab detect`: how strange are these images?
 *
 *     fisherlab detect --model glow-fashion_mnist --in fashion_mnist --out photos/ scans.npy
 *
 * A detector is fitted on the first half of a set's test images; the second half, which it has not
 * seen, says which scores are usual. Each of the given images gets a score (higher = stranger) and
 * a conformal p-value, the share of usual scores that are as high (`detectors/p-values.ts`): of
 * images that are like the set, at most a share α has p ≤ α. The smallest p there can be is 1 /
 * (usual images + 1).
 *
 * Written to the folder of `--to`: `scores.csv` (or `scores.json`) and `most-and-least.png`, the
 * strangest and the most familiar images with their p-values.
 */
import path from 'node:path';
import { type Command, Option } from 'commander';
import {
  FisherlabError,
  inCheckout,
  makeFolder,
  startBackend,
  writeBeside,
} from '../backend/index';
import { dataset, type Images, type OwnImages, ownImages } from '../data/index';
import type { FeatureTable } from '../detectors/index';
import { detector, pValues } from '../detectors/index';
import { halves } from '../evaluation/index';
import {
  beside,
  diagonalTables,
  needsOf,
  referenceImages,
  statisticsOf,
  statisticTable,
  tablesOf,
} from '../features/index';
import { disposeModel, type LoadedModel, loadModel } from '../models/index';
import { imageGrid, saveFigure } from '../plots/index';
import { barForEachStep, tableText } from '../terminal/index';
import { wholeNumber } from './options';

interface Flags {
  model: string;
  in?: string;
  out: string[];
  detector: string;
  format: 'csv' | 'json';
  to?: string;
  limit?: string;
  seed: string;
}

/** Images in each row of the contact sheet. */
const SHOWN = 10;

export function register(program: Command): void {
  program
    .command('detect')
    .description('score images of your own: how far from a data set are they?')
    .requiredOption('--model <name>', 'a shipped model or a checkpoint')
    .option('--in <set>', 'what is usual (default: the set the model was trained on)')
    .requiredOption(
      '--out <path...>',
      'PNG or JPEG files, .npy arrays [N, H, W, C] of uint8, or folders of them',
    )
    .option('--detector <name>', 'any detector', 'layer-wise gradients')
    .addOption(
      new Option('--format <name>', 'of the scores').choices(['csv', 'json']).default('csv'),
    )
    .option('--to <folder>', 'where the scores go (default: out/detect)')
    .option('--limit <n>', 'only the first images of the set')
    .option('--seed <n>', 'seed of the noise', '1')
    .action(detect);
}

/** One image's result. */
export interface Scored {
  readonly image: string;
  readonly score: number;
  readonly p: number;
}

async function detect(flags: Flags): Promise<void> {
  const seed = wholeNumber('--seed', flags.seed, 0);
  const limit = flags.limit === undefined ? {} : { limit: wholeNumber('--limit', flags.limit, 4) };
  const chosen = detector(flags.detector, seed);
  const folder = flags.to ?? inCheckout('out', 'detect');
  await makeFolder(folder);
  await startBackend();
  const loaded = loadModel(flags.model);
  try {
    const usual = await dataset(flags.in ?? loaded.header.data.name, 'test', limit);
    console.log(usual.source);
    const [height, width, channels] = loaded.model.imageShape;
    if (usual.shape[2] !== channels) {
      throw new FisherlabError(
        `'${usual.name}' has ${usual.shape[2]} channels and the model '${loaded.name}' takes ${channels}`,
        'choose a set of the kind the model was trained on',
      );
    }
    const {
      images: own,
      treatments,
      leftOut,
    } = await ownImages(flags.out, {
      height,
      width,
      channels,
    });
    const resized = treatments.filter((treatment) => treatment.resized).length;
    if (resized > 0)
      console.log(`${resized} of ${own.count} images were resized to ${width}x${height}`);
    for (const { name, reason } of leftOut) console.log(`left out: '${name}' ${reason}`);

    const bar = barForEachStep();
    const [inside, given] = (await tablesFor(
      loaded,
      [usual, own],
      flags.detector,
      seed,
      bar.step,
    )) as [FeatureTable, FeatureTable];
    bar.done();
    const { fit, score } = halves(inside);
    const fitted = chosen.fit(fit);
    const scores = fitted.score(given);
    const p = pValues(fitted.score(score), scores);
    const results = own.names.map(
      (image, k): Scored => ({ image, score: scores[k] as number, p: p[k] as number }),
    );

    const file = path.join(folder, `scores.${flags.format}`);
    const about = {
      model: loaded.name,
      in: usual.name,
      detector: chosen.name,
      usualImages: score.rows,
      seed,
      images: results,
    };
    await writeBeside(
      file,
      flags.format === 'json' ? `${JSON.stringify(about, null, 1)}\n` : csv(results),
    );
    const sheet = path.join(folder, 'most-and-least.png');
    await saveFigure(contactSheet(own, results), sheet);

    const order = strangestFirst(results);
    const line = ({ image, score: value, p: share }: Scored) => ({
      image,
      score: value.toPrecision(6),
      p: share.toPrecision(3),
    });
    console.log(tableText(order.slice(0, SHOWN).map((k) => line(results[k] as Scored))));
    const strange = results.filter((result) => result.p <= 0.05).length;
    console.log(
      `${strange} of ${results.length} images have p ≤ 0.05 (usual: ${(0.05 * results.length).toFixed(1)}), against ${score.rows} images of ${usual.name}, by ${chosen.name}`,
    );
    console.log(
      `scores: ${path.relative(process.cwd(), file)}   images: ${path.relative(process.cwd(), sheet)}`,
    );
  } finally {
    disposeModel(loaded.model);
  }
}

/**
 * Tables of single images with the columns that a detector reads. Errors: columns that this model
 * cannot have.
 */
async function tablesFor(
  loaded: LoadedModel,
  sets: readonly Images[],
  name: string,
  seed: number,
  step: (what: string, done: number, total: number) => void,
): Promise<FeatureTable[]> {
  const shared = { batchSizes: [1], seed };
  const progress = (set: string, images: number, total: number) =>
    step(`gradient norms of ${set}`, images, total);
  const needs = needsOf(name);
  const { statistics, dispose } = statisticsOf(loaded, seed);
  try {
    const there = new Set([
      'diagonal-fisher-norm',
      ...statistics.flatMap(({ columns }) => columns.map(({ feature }) => feature)),
    ]);
    const lacks = needs.filter((feature) => !there.has(feature));
    if (lacks.length > 0) {
      throw new FisherlabError(
        `'${name}' needs ${lacks.join(', ')}, which the ${loaded.model.family} model '${loaded.name}' does not have`,
        'choose another detector or model',
      );
    }
    const useful = statistics.filter(({ columns }) =>
      columns.some(({ feature }) => needs.includes(feature)),
    );
    const diagonal = needs.includes('diagonal-fisher-norm')
      ? await diagonalTables(loaded, sets, await referenceImages(loaded.header.data.name), {
          ...shared,
          progress,
        })
      : undefined;
    const tables: FeatureTable[] = [];
    for (const [s, data] of sets.entries()) {
      const [table] = (await tablesOf(loaded, data, { ...shared, progress })) as [FeatureTable];
      const others: FeatureTable[] = [];
      for (const statistic of useful) others.push(await statisticTable(statistic, data));
      const layers = diagonal?.[s]?.[0]?.columns.filter(
        ({ feature }) => feature === 'diagonal-fisher-norm',
      );
      if (layers !== undefined) others.push({ ...table, columns: layers });
      tables.push(beside(table, ...others));
    }
    return tables;
  } finally {
    dispose();
  }
}

/** `image,score,p`, as RFC 4180 writes it. */
export function csv(results: readonly Scored[]): string {
  const quoted = (text: string) =>
    /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return [
    'image,score,p',
    ...results.map(({ image, score, p }) => `${quoted(image)},${score},${p}`),
    '',
  ].join('\n');
}

/** Indices by score, downwards. */
function strangestFirst(results: readonly Scored[]): number[] {
  return results
    .map((_, k) => k)
    .sort((a, b) => (results[b] as Scored).score - (results[a] as Scored).score);
}

/** The strangest images above, the most familiar below; few images make one row. */
function contactSheet(own: OwnImages, results: readonly Scored[]) {
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
