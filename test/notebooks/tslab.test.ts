import assert from 'node:assert/strict';
import { inCheckout } from '../../src/backend/root';
import { type Cell, readNotebook } from '../../src/notebook/ipynb';
import { findNotebooks } from '../../src/notebook/publish';
import { findJupyter } from '../support/jupyter-lab';
import { build, runInTslab } from '../support/tslab';

const jupyter = findJupyter();
const skipped = jupyter === null ? ' (skipped: JupyterLab is not installed)' : '';

describe(`plain tslab, once the library is built${skipped}`, () => {
  before(function () {
    if (jupyter === null) this.skip();
    build();
  });

  it('runs the first cell of every notebook: its imports exist, with their types', function () {
    this.timeout(600_000);
    const all = findNotebooks(inCheckout('notebooks')).map(readNotebook);
    const cells = all.map(({ cells: own }) =>
      own.find(({ cell_type }) => cell_type === 'code'),
    ) as Cell[];
    assert.equal(cells.length, 5);
    // Each in the same kernel, which takes long to start.
    const together = { ...(all[0] as (typeof all)[number]), cells: named(cells) };
    assert.equal(runInTslab(jupyter as string, together), '');
  });
});

/** Cells of several notebooks in one must not have the same name. */
const named = (cells: readonly Cell[]): Cell[] =>
  cells.map((cell, index) => ({ ...cell, id: `first-${index}` }));
