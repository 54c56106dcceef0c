/**
 * # `fisherlab detect`: how strange are these images?
 *
 *     fisherlab detect --model glow-fashion_mnist --out photos/ scans.npy
 *     fisherlab detect --model glow-cifar10,vae-cifar10 --in usual/ --out one.jpg --fit crop
 *
 * Each image gets a score (higher = stranger), a p-value against usual images, and a verdict at a
 * given false-positive rate (`experiments/detection.ts`). If the images have classes, by folder or
 * by `--labels`, each class gets metrics of how well it can be told from the usual images. The
 * folder `--to` gets the files listed in `experiments/detection-files.ts` and a report. The exit
 * status is 2 if an image was left out.
 *
 *     fisherlab detect --in usual.parquet --features other.parquet
 *
 * Tables made by `fisherlab features` are scored without a model, by one or several detectors
 * (`experiments/table-detection.ts`). Then `scores.csv` has a row for each batch and detector.
 */
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { data, experiments } from '../index';
import { detectionPage } from './detection-page';
import { stoppable } from './interruption';
import { lab } from './lab';
import { arrayOptions, names, positiveNumber, wholeNumber } from './options';
import { shown } from './print';

interface Flags {
  model?: string[];
  in?: string[];
  out?: string[];
  features?: string[];
  detector: string;
  falsePositiveRate: number;
  labels?: string;
  usualClass?: string;
  fit?: data.Fit;
  layout?: data.Layout;
  values?: data.Values;
  strict?: boolean;
  format: 'csv' | 'json';
  to?: string;
  limit?: number;
  seed: number;
}

const FITS = ['stretch', 'crop', 'pad'] as const satisfies readonly data.Fit[];

/** How many images are listed on the terminal. */
const LISTED = 10;
/** How many lines of scores are written at a time. */
const ROWS_AT_ONCE = 4096;
/** The exit status if images were left out. */
const INCOMPLETE = 2;

/** Adds `detect` to the program. */
export function register(program: Command): void {
  program
    .command('detect')
    .description('score your own images: how strange are they, compared with a data set?')
    .option('--model <names>', 'shipped models or checkpoints, separated by commas', names)
    .option(
      '--in <set|path...>',
      'the usual images: a data set (default: the one the model was trained on), your own images, or a feature table',
    )
    .option(
      '--out <path...>',
      'images to score: pictures in common formats, .npy arrays, or folders of them',
    )
    .option('--features <file...>', 'feature tables to score instead of images')
    .option(
      '--detector <name>',
      'a detector; for feature tables several, separated by commas',
      'layer-wise gradients',
    )
    .option(
      '--false-positive-rate <rate>',
      'the share of usual images that may be called strange by mistake',
      positiveNumber(1),
      0.05,
    )
    .option('--labels <file>', 'a CSV file with the columns image and class (default: folders)')
    .option('--usual-class <name>', 'the class to compare the others with')
    .addOption(
      new Option('--fit <how>', 'how to fit images of another shape')
        .choices(FITS)
        .default(FITS[0]),
    )
    .addOption(arrayOptions.layout())
    .addOption(arrayOptions.values())
    .option('--strict', 'stop at the first unusable image')
    .addOption(
      new Option('--format <name>', 'the format of the scores')
        .choices(['csv', 'json'])
        .default('csv'),
    )
    .option('--to <folder>', 'the folder to write to (default: out/detect)')
    .option('--limit <n>', 'only the first images of the data set', wholeNumber(4))
    .option('--seed <n>', 'seed of the noise', wholeNumber(0), 1)
    .action((flags: Flags) =>
      stoppable(
        'stopped; features of the usual images are kept: run the same command again to resume',
        (signal) => (flags.features === undefined ? detect : detectInTables)(flags, signal),
      ),
    );
}

async function detect(flags: Flags, signal: AbortSignal): Promise<void> {
  const { backend, experiments, FisherlabError, startBackend, terminal } = lab();
  const { format, to, model: models, out, features: _, ...given } = flags;
  if (models === undefined || out === undefined)
    throw new FisherlabError(
      'there is nothing to score',
      'give --model and --out, or --in and --features with feature tables',
    );
  const folder = to ?? backend.inCheckout('out', 'detect');
  await backend.makeFolder(folder); // fail now rather than after all the work
  await startBackend();
  const found: experiments.Detection[] = [];
  for (const model of models) {
    const bar = terminal.barForEachStep();
    const detection = await experiments
      .detect({ ...given, model, out, progress: bar.step, signal })
      .finally(bar.done);
    found.push(detection);
    print(detection, found.length === 1);
  }
  const { scores, drawings } = await experiments.writeDetections(found, folder, format);
  const report = path.join(folder, 'report.html');
  await backend.writeBeside(report, detectionPage(found, drawings));
  console.log(`scores: ${shown(scores)}   report: ${shown(report)}`);
  if (found.some(({ own }) => own.leftOut.length > 0)) process.exitCode = INCOMPLETE;
}

/** Prints what was read, the strangest images, and how well classes are told apart. */
function print(found: experiments.Detection, isFirst: boolean): void {
  const { experiments, terminal } = lab();
  const { own, images, classes } = found;
  console.log(found.source);
  if (isFirst) {
    const [height, width] = own.images.shape;
    const resized = own.treatments.filter((treatment) => treatment.resized).length;
    if (resized > 0)
      console.log(`${resized} of ${own.images.count} images were resized to ${width}x${height}`);
    if (own.hidden > 0) console.log(`${own.hidden} hidden files were skipped`);
    if (own.others.length > 0)
      console.log(`${own.others.length} files that are not images were skipped`);
    for (const { name, reason, fix } of own.leftOut)
      console.log(`left out: '${name}' ${reason}; ${fix}`);
  }
  const strangest = experiments.strangestFirst(images).slice(0, LISTED);
  console.log(terminal.tableText(strangest.map((k) => row(images[k] as experiments.Scored))));
  for (const line of experiments.inWords(found)) console.log(line);
  if (classes.length > 0) console.log(terminal.tableText(experiments.classRows(classes)));
}

function row({ image, score, error, p, strange, sure }: experiments.Scored) {
  return {
    image,
    score: `${score.toPrecision(6)} ± ${error.toPrecision(2)}`,
    p: p.toPrecision(3),
    strange: `${strange ? 'yes' : 'no'}${sure ? '' : ', unsure'}`,
  };
}

async function detectInTables(flags: Flags, signal: AbortSignal): Promise<void> {
  const { backend, experiments, FisherlabError } = lab();
  const { features = [], in: [usual, ...more] = [], detector, format, seed } = flags;
  if (usual === undefined || more.length > 0)
    throw new FisherlabError(
      'exactly one table of usual images is needed',
      'give one with --in, made by fisherlab features',
    );
  if (flags.model !== undefined || flags.out !== undefined || flags.limit !== undefined)
    throw new FisherlabError(
      'tables are scored without a model and images',
      'remove --model, --out and --limit',
    );
  if (format === 'json')
    throw new FisherlabError('scores of tables are written as CSV', 'remove --format');
  const file = path.join(flags.to ?? backend.inCheckout('out', 'detect'), 'scores.csv');
  const detectors = names(detector);
  const scored = experiments.detectInTables({ in: usual, features, detectors, seed, signal });
  let rows = 0;
  await backend.writeBeside(file, async (opened) => {
    await opened.write('file,image,B,detector,score,p\n');
    let lines: string[] = [];
    for await (const { file, image, B, detector, score, p } of scored) {
      lines.push(`${[file, image].map(experiments.quoted)},${B},${detector},${score},${p}\n`);
      rows++;
      if (lines.length < ROWS_AT_ONCE) continue;
      await opened.write(lines.join(''));
      lines = [];
    }
    await opened.write(lines.join(''));
  });
  console.log(`scores: ${shown(file)}, ${rows} rows`);
}
