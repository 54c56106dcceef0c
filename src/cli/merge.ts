/**
 * # `fisherlab merge`: one file of many shards
 *
 *     fisherlab merge out/features
 *
 * Joins the shards made by `fisherlab features --shard` (`features/merge.ts`), or says which are
 * missing and how to make them.
 */
import type { Command } from 'commander';
import { stoppable } from './interruption';
import { lab } from './lab';
import { shown } from './print';

/** Adds `merge` to the program. */
export function register(program: Command): void {
  program
    .command('merge')
    .description('join the shards of feature tables when all of them exist')
    .argument('<folder>', 'the folder fisherlab features wrote them to')
    .action((folder: string) =>
      stoppable('stopped; all shards are unchanged', (signal) => merge(folder, signal)),
    );
}

async function merge(folder: string, signal: AbortSignal): Promise<void> {
  const { features, terminal } = lab();
  const bar = terminal.barForEachStep();
  const merged = await features
    .mergeShards(folder, { progress: bar.step, signal })
    .finally(bar.done);
  for (const { file, rows, shards, processors } of merged) {
    console.log(`${shown(file)}: ${rows} rows of ${shards} shards`);
    if (processors.length > 1)
      console.log(
        `  made on ${processors.join(' and ')}: a run on only one of them may differ in the last bits`,
      );
  }
}
