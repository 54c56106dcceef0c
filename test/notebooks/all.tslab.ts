import assert from 'node:assert/strict';
import path from 'node:path';
import { inCheckout } from '../../src/backend/root';
import { readNotebook } from '../../src/notebook/ipynb';
import { findNotebooks } from '../../src/notebook/publish';
import { findJupyter } from '../support/jupyter-lab';
import { build, runInTslab } from '../support/tslab';

const jupyter = findJupyter();
const skipped = jupyter === null ? ' (skipped: JupyterLab is not installed)' : '';

/** Takes minutes, most of them tslab's own: apart from `npm test`, which runs the first cells. */
describe(`the notebooks in plain tslab${skipped}`, () => {
  before(function () {
    if (jupyter === null) this.skip();
    build();
  });

  for (const file of findNotebooks(inCheckout('notebooks')))
    it(`${path.basename(file, '.ipynb')}: every cell runs and every claim holds`, function () {
      this.timeout(1_800_000);
      assert.equal(runInTslab(jupyter as string, readNotebook(file)), '');
    });
});
