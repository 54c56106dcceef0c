/**
 * # `fisherlab features`: tables of features, as files
 *
 *     fisherlab features --model glow-cifar10 --in cifar10 gtsrb --to out/features
 *     fisherlab features --model vae-mnist --in scans/ --to out/scans --shard 3/64
 *
 * Writes one Parquet file for each model, set and batch size (`features/feature-files.ts`). With
 * shards there is one file per shard, and `fisherlab merge` joins them. On a cluster the shard
 * follows from the number of the task.
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
    .description(
      'compute feature tables of data sets or your own images, for pandas and for detect',
    )
    .requiredOption('--model <names>', 'shipped models or checkpoints, separated by commas', names)
    .requiredOption('--in <set|path...>', 'data sets (their test images), or files and folders')
    .requiredOption('--to <folder>', 'the folder to write to')
    .option('--features <names>', 'features of the registry, separated by commas', names, [
      'squared-norm',
    ])
    .option('--batch-sizes <list>', 'batch sizes, separated by commas', wholeNumbers, [1, 5])
    .option('--seed <n>', 'seed of the noise', wholeNumber(0), 1)
    .option('--limit <n>', 'only the first images of each set', wholeNumber())
    .option(
      '--shard <i/n>',
      'only share i of n, counted from 0 (default: from Slurm or Kubernetes, otherwise everything)',
      shard.parse,
    )
    .action((flags: Flags) =>
      stoppable(
        'stopped; finished parts are kept: run the same command again to resume',
        (signal) => makeFiles(flags, signal),
      ),
    );
}

async function makeFiles(flags: Flags, signal: AbortSignal): Promise<void> {
  const { backend, features, models, startBackend, terminal } = lab();
  const { to: folder, batchSizes, seed, features: wanted } = flags;
  const share = flags.shard ?? shard.ofEnvironment(process.env);
  await backend.makeFolder(folder); // fail now rather than after all the work
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

/** Each data set separately, or all paths as one set. */
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
      `'${words.join(' ')}' mixes data sets and paths`,
      'give one or the other; write ./name for a folder called like a data set',
    );
  if (limit !== undefined)
    throw new FisherlabError('--limit is for data sets', 'give paths of fewer images');
  return [{ images: await data.ownRow(words, imageShape), in: words }];
}
