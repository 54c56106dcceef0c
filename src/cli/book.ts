/**
 * # `fisherlab book`
 *
 * Binds the notebooks as they are stored, the modules, the pages of `docs` and the interface into
 * one site that opens from a file (`notebook/book.ts`).
 */
import path from 'node:path';
import type { Command } from 'commander';
import { lab } from './lab';

export function register(program: Command): void {
  program
    .command('book')
    .description('make one site of notebooks, modules, pages and interface')
    .option('--out <folder>', 'where it goes', 'out/book/html')
    .action(async ({ out }: { out: string }) => {
      const page = await lab().notebook.makeBook({ out, step: (what) => console.log(what) });
      console.log(`the book opens with ${path.relative(process.cwd(), page)}`);
    });
}
