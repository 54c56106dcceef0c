import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inCheckout } from '../../src/backend/root';
import { findNotebooks, publishNotebooks } from '../../src/notebook/publish';

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
    it(`${path.basename(file, '.ipynb')}: every cell and every folded answer runs and every claim holds`, async function () {
      this.timeout(600_000);
      const [run] = await publishNotebooks([file], {
        out,
        answers: true,
        env: { FISHERLAB_QUICK: '1' },
      });
      assert.equal(run?.problem, undefined);
    });
  }
});
