/**
 * # `fisherlab book`
 *
 * Makes one site of the stored notebooks, the modules, the pages of `docs` and the interface. It
 * opens from a file, without a server (`notebook/book.ts`).
 */
import type { Command } from 'commander';
import { lab } from './lab';
import { shown } from './print';

export function register(program: Command): void {
  program
    .command('book')
    .description('make one site of the notebooks, modules, pages and interface')
    .option('--out <folder>', 'the folder to write to', 'out/book/html')
    .action(async ({ out }: { out: string }) => {
      const page = await lab().notebook.makeBook({ out, step: (what) => console.log(what) });
      console.log(`to read the book, open ${shown(page)}`);
    });
}
