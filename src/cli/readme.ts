/**
 * # `fisherlab readme`: the numbers of the README, from the files that hold them
 *
 * `npm start` leaves `out/results.json`; this command keeps it among the results that ship (with
 * `--keep`) and fills the pages in (`experiments/pages.ts`).
 */
import type { Command } from 'commander';
import { lab } from './lab';

/** Adds `readme` to the program. */
export function register(program: Command): void {
  program
    .command('readme')
    .description('fill the numbers of the last npm start into the README')
    .option('--keep', 'take the results of the last npm start; else those already kept')
    .action(async ({ keep = false }: { keep?: boolean }) => {
      const { experiments } = lab();
      if (keep) await experiments.keepFirstResults();
      await experiments.fillPages();
      console.log(
        'README.md, environment.md, docs/scale.md, docs/start-up.md and data/models/README.md hold the numbers of data/results',
      );
    });
}
