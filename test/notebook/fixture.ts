/**
 * Tiny notebooks for tests, in a folder of the checkout whose path holds a blank, with the symlink
 * to `src` that the real ones have.
 */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '../..');

/** A cell: code, or text where it begins with `md:`. */
export function notebook(cells: readonly string[]): object {
  return {
    cells: cells.map((source, index) =>
      source.startsWith('md:')
        ? { cell_type: 'markdown', id: `cell-${index}`, metadata: {}, source: [source.slice(3)] }
        : {
            cell_type: 'code',
            execution_count: null,
            id: `cell-${index}`,
            metadata: {},
            outputs: [],
            source: source.split(/(?<=\n)/),
          },
    ),
    metadata: { kernelspec: { display_name: 'TypeScript', language: 'typescript', name: 'tslab' } },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/**
 * Writes notebooks by name into a new folder and returns it. Below the checkout, so that modules
 * are found as they are for the real ones.
 */
export function folderWith(notebooks: Readonly<Record<string, readonly string[]>>): string {
  mkdirSync(path.join(ROOT, 'out'), { recursive: true });
  const folder = path.join(mkdtempSync(path.join(ROOT, 'out', 'test of notebooks ')), 'notebooks');
  mkdirSync(folder);
  symlinkSync('../../../src', path.join(folder, 'src'));
  for (const [name, cells] of Object.entries(notebooks)) {
    writeFileSync(
      path.join(folder, `${name}.ipynb`),
      `${JSON.stringify(notebook(cells), null, 1)}\n`,
    );
  }
  return folder;
}
