/**
 * # `fisherlab readme`: the numbers of the README, from the result files
 *
 * `npm start` leaves `out/results.json`; with `--keep`, this command copies it to the shipped
 * results. Then it writes the numbers of the shipped results into the pages
 * (`experiments/pages.ts`).
 */
import type { Command } from 'commander';
import { lab } from './lab';

/** Adds `readme` to the program. */
export function register(program: Command): void {
  program
    .command('readme')
    .description('write the numbers of data/results into the README and other pages')
    .option('--keep', 'first keep the results of the last npm start')
    .action(async ({ keep = false }: { keep?: boolean }) => {
      const { experiments } = lab();
      if (keep) await experiments.keepFirstResults();
      await experiments.fillPages();
      console.log(
        'README.md, environment.md, docs/scale.md, docs/start-up.md, docs/beyond-pixels.md and data/models/README.md now have the numbers of data/results',
      );
    });
}
