/**
 * # `fisherlab features`: tables of features, as files
 *
 *     fisherlab features --model glow-cifar10 --in cifar10 gtsrb --to out/features
 *     fisherlab features --model vae-mnist --in scans/ --to out/scans --shard 3/64
 *
 * One Parquet file for each model, set and batch size (`features/feature-files.ts`); of a shard,
 * one file a shard, which `fisherlab merge` joins. On a cluster the shard is the task's own.
 */
import type { Command } from 'commander';
import type { data, features, models } from '../index';
import { stoppable } from './interruption';
import { lab } from './lab';
import { names, wholeNumber, wholeNumbers } from './options';
import { shown } from './print';
import { shard } from './shard';

interface Flags {
  model: string[];
  in: string[];
  to: string;
  features: string[];
  batchSizes: number[];
  seed: number;
  limit?: number;
  shard?: features.Shard;
}

/** Adds `features` to the program. */
export function register(program: Command): void {
  program
    .command('features')
    .description('tables of features of sets or of images of your own, for pandas and for detect')
    .requiredOption('--model <names>', 'shipped models or checkpoints, separated by commas', names)
    .requiredOption('--in <set|path...>', 'data sets (their test images), or files and folders')
    .requiredOption('--to <folder>', 'where the files go')
    .option('--features <names>', 'of the registry, separated by commas', names, ['squared-norm'])
    .option('--batch-sizes <list>', 'numbers of images in a batch', wholeNumbers, [1, 5])
    .option('--seed <n>', 'seed of the noise', wholeNumber(0), 1)
    .option('--limit <n>', 'only the first images of each set', wholeNumber())
    .option(
      '--shard <i/n>',
      'only the i-th share of n, from 0 on (default: what Slurm or Kubernetes says, else all)',
      shard.parse,
    )
    .action((flags: Flags) =>
      stoppable(
        'stopped; finished parts are kept: the same command goes on where it was',
        (signal) => makeFiles(flags, signal),
      ),
    );
}

async function makeFiles(flags: Flags, signal: AbortSignal): Promise<void> {
  const { backend, features, models, startBackend, terminal } = lab();
  const { to: folder, batchSizes, seed, features: wanted } = flags;
  const share = flags.shard ?? shard.ofEnvironment(process.env);
  await backend.makeFolder(folder); // not after all the work
  await startBackend();
  const loaded = flags.model.map((asked) => ({ asked, loaded: models.loadModel(asked) }));
  const bar = terminal.barForEachStep();
  const leftOut: data.LeftOut[] = [];
  try {
    const shape = loaded[0]?.loaded.model.imageShape ?? [32, 32, 1];
    const files = await features
      .makeFeatureFiles(loaded, await sourcesOf(flags, shape), {
        folder,
        batchSizes,
        seed,
        features: wanted,
        progress: bar.step,
        leftOut: (one) => leftOut.push(one),
        signal,
        ...(share === undefined ? {} : { shard: share }),
      })
      .finally(() => {
        bar.done();
        for (const { name, reason, fix } of leftOut)
          console.log(`left out: '${name}' ${reason}; ${fix}`);
      });
    for (const file of files) console.log(shown(file));
  } finally {
    for (const { loaded: one } of loaded) models.disposeModel(one.model);
  }
}

/** Every set by itself, or all paths together. */
async function sourcesOf(
  flags: Flags,
  imageShape: models.ImageShape,
): Promise<features.ImageSource[]> {
  const { data, FisherlabError } = lab();
  const { in: words, limit } = flags;
  const sets: readonly string[] = data.DATA_SETS;
  if (words.every((word) => sets.includes(word))) {
    const limited = limit === undefined ? {} : { limit };
    return Promise.all(
      words.map(async (word) => ({
        images: await data.setRow(word, 'test', limited),
        in: [word],
        ...limited,
      })),
    );
  }
  if (words.some((word) => sets.includes(word)))
    throw new FisherlabError(
      `'${words.join(' ')}' names sets and paths`,
      'give either, or call a folder ./name',
    );
  if (limit !== undefined)
    throw new FisherlabError('--limit is for data sets', 'give the paths of fewer images');
  return [{ images: await data.ownRow(words, imageShape), in: words }];
}
