/**
 * # `fisherlab detect`: how strange are these images?
 *
 *     fisherlab detect --model glow-fashion_mnist --in fashion_mnist --out photos/ scans.npy
 *
 * Each of the given images gets a score (higher = stranger) and a p-value against images of a set
 * (`experiments/detection.ts`). Written to the folder of `--to`: `scores.csv` (or `scores.json`)
 * and `most-and-least.png`, the strangest and the most familiar images with their p-values.
 *
 *     fisherlab detect --in usual.parquet --features other.parquet
 *
 * Tables that `fisherlab features` made are scored without a model, by one detector or several
 * (`experiments/table-detection.ts`); `scores.csv` then has a row for each batch and detector.
 */
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { experiments } from '../index';
import { stoppable } from './interruption';
import { lab } from './lab';
import { names, wholeNumber } from './options';
import { shown } from './print';

interface Flags {
  model?: string;
  in?: string;
  out?: string[];
  features?: string[];
  detector: string;
  format: 'csv' | 'json';
  to?: string;
  limit?: number;
  seed: number;
}

/** Images that are listed on the terminal. */
const LISTED = 10;
/** Lines of a table of scores that are written together. */
const ROWS_AT_ONCE = 4096;

/** Adds `detect` to the program. */
export function register(program: Command): void {
  program
    .command('detect')
    .description('score images of your own: how far from a data set are they?')
    .option('--model <name>', 'a shipped model or a checkpoint')
    .option(
      '--in <set>',
      'what is usual: a set (default: the one the model was trained on), or a feature table',
    )
    .option(
      '--out <path...>',
      'PNG or JPEG files, .npy arrays [N, H, W, C] of uint8, or folders of them',
    )
    .option('--features <file...>', 'feature tables to score, in place of a model and images')
    .option(
      '--detector <name>',
      'any detector; of tables several, separated by commas',
      'layer-wise gradients',
    )
    .addOption(
      new Option('--format <name>', 'of the scores').choices(['csv', 'json']).default('csv'),
    )
    .option('--to <folder>', 'where the scores go (default: out/detect)')
    .option('--limit <n>', 'only the first images of the set', wholeNumber(4))
    .option('--seed <n>', 'seed of the noise', wholeNumber(0), 1)
    .action((flags: Flags) =>
      stoppable(
        'stopped; features of the set are kept: the same command goes on where it was',
        (signal) => (flags.features === undefined ? detect : detectInTables)(flags, signal),
      ),
    );
}

async function detect(flags: Flags, signal: AbortSignal): Promise<void> {
  const { backend, experiments, FisherlabError, startBackend, terminal } = lab();
  const { format, to, model, out, ...given } = flags;
  if (model === undefined || out === undefined)
    throw new FisherlabError(
      'there is nothing to score',
      'give --model and --out, or --in and --features with feature tables',
    );
  const options = { ...given, model, out };
  const folder = to ?? backend.inCheckout('out', 'detect');
  await backend.makeFolder(folder); // not after all the work
  await startBackend();
  const bar = terminal.barForEachStep();
  const found = await experiments
    .detect({ ...options, progress: bar.step, signal })
    .finally(bar.done);
  const { own, images } = found;
  console.log(found.source);
  const [height, width] = own.images.shape;
  const resized = own.treatments.filter((treatment) => treatment.resized).length;
  if (resized > 0)
    console.log(`${resized} of ${own.images.count} images were resized to ${width}x${height}`);
  if (own.hidden > 0) console.log(`${own.hidden} hidden files were passed over`);
  for (const { name, reason, fix } of own.leftOut)
    console.log(`left out: '${name}' ${reason}; ${fix}`);
  const { scores, sheet } = await experiments.writeDetection(found, folder, format);
  const strangest = experiments.strangestFirst(images).slice(0, LISTED);
  console.log(terminal.tableText(strangest.map((k) => row(images[k] as experiments.Scored))));
  const strange = images.filter(({ p }) => p <= 0.05).length;
  console.log(
    `${strange} of ${images.length} images have p ≤ 0.05 (usual: ${(0.05 * images.length).toFixed(1)}), against ${found.usualImages} images of ${found.in}, by ${found.detector}`,
  );
  console.log(`scores: ${shown(scores)}   images: ${shown(sheet)}`);
}

function row({ image, score, p }: experiments.Scored): Record<string, string> {
  return { image, score: score.toPrecision(6), p: p.toPrecision(3) };
}

async function detectInTables(flags: Flags, signal: AbortSignal): Promise<void> {
  const { backend, experiments, FisherlabError } = lab();
  const { features = [], in: usual, detector, format, seed } = flags;
  if (usual === undefined)
    throw new FisherlabError(
      'there is no usual table',
      'give one by --in, as fisherlab features made',
    );
  if (flags.model !== undefined || flags.out !== undefined || flags.limit !== undefined)
    throw new FisherlabError(
      'tables are scored without a model and images',
      'leave out --model, --out and --limit',
    );
  if (format === 'json')
    throw new FisherlabError('scores of tables are written as CSV', 'leave out --format');
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
