import assert from 'node:assert/strict';
import path from 'node:path';
import { inCheckout } from '../../src/backend/root';
import { withAnswers } from '../../src/notebook/folded-answers';
import { joined, readNotebook } from '../../src/notebook/ipynb';
import { findNotebooks } from '../../src/notebook/publish';

/** What a page shows without scrolling sideways, and what a reader takes in at once. */
const MOST = { columns: 100, lines: 40 };

describe('the cells of notebooks', () => {
  const notebooks = findNotebooks(inCheckout('notebooks')).map((file) => ({
    name: path.basename(file, '.ipynb'),
    notebook: withAnswers(readNotebook(file)),
  }));

  for (const { name, notebook } of notebooks) {
    const cells = notebook.cells
      .filter((cell) => cell.cell_type === 'code')
      .map((cell) => joined(cell.source).trimEnd().split('\n'));

    it(`${name}: have at most ${MOST.lines} lines of at most ${MOST.columns} columns`, () => {
      const long = cells.filter(({ length }) => length > MOST.lines).map(([first]) => first);
      assert.deepEqual(long, []);
      const wide = cells.flat().filter(({ length }) => length > MOST.columns);
      assert.deepEqual(wide, []);
    });

    it(`${name}: ask for a prediction, and end with a graded exercise`, () => {
      const text = notebook.cells.map(({ source }) => joined(source)).join('\n');
      assert.match(text, /\*\*Predict:\*\*/);
      assert.ok(text.includes(`experiments.grade('${name.slice(0, 2)}'`));
    });
  }
});
