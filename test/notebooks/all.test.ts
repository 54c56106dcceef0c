import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { inCheckout } from '../../src/backend/root';
import { type Cell, type Ipynb, joined, readNotebook } from '../../src/notebook/ipynb';
import { findNotebooks, publishNotebooks } from '../../src/notebook/publish';
import type { NotebookRun } from '../../src/notebook/run';

/**
 * What the cells show that read nothing but shipped files (`data/results`, `data/models`), and have
 * the tag `from-files`: the same on every machine, on few images as on all, until a file changes.
 */
const fromFiles = ({ cells }: Ipynb) =>
  cells.filter(({ metadata }) => (metadata.tags as string[] | undefined)?.includes('from-files'));

/** The texts and vector pictures that a cell shows, without the bits of a PNG. */
const texts = ({ outputs = [] }: Cell) =>
  outputs.map((output) => {
    if (output.output_type === 'stream') return joined(output.text);
    if (output.output_type === 'error') return output.evalue;
    const { 'image/png': _, ...data } = output.data;
    return Object.fromEntries(Object.entries(data).map(([type, text]) => [type, joined(text)]));
  });

/**
 * Every claim of every notebook is a cell that checks it: here they all run, on few images, in the
 * kernel's executor.
 */
describe('the notebooks', () => {
  let out: string;
  before(() => {
    out = mkdtempSync(path.join(tmpdir(), 'fisherlab-notebooks-'));
  });
  after(() => rmSync(out, { recursive: true, force: true }));

  for (const file of findNotebooks(inCheckout('notebooks'))) {
    it(`${path.basename(file, '.ipynb')}: every cell and every folded answer runs and every claim holds, and stored outputs are of the files that ship`, async function () {
      this.timeout(600_000);
      const [run] = await publishNotebooks([file], {
        out,
        answers: true,
        env: { FISHERLAB_QUICK: '1' },
      });
      assert.equal(run?.problem, undefined);
      const [now, stored] = [(run as NotebookRun).executed, readNotebook(file)].map(fromFiles);
      assert.ok((now as Cell[]).length > 0, 'no cell has the tag from-files');
      for (const [k, cell] of (now as Cell[]).entries())
        assert.ok(
          isDeepStrictEqual(texts(cell), texts((stored as Cell[])[k] as Cell)),
          `stored outputs are out of date: run \`fisherlab notebooks --write\`. The cell begins ` +
            joined(cell.source).slice(0, 80),
        );
    });
  }
});
