import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import { dataset } from '../../src/data/index';
import { usualImages } from '../../src/experiments/usual-images';
import { disposeModel, loadModel, shippedModels } from '../../src/models/checkpoint';

const FOLDER = path.join(__dirname, '..', '..', 'data', 'usual');
const [height, width, channels] = [32, 32, 3];
const OPTIONS = { seed: 1, features: [], reading: { height, width, channels } };

describe('usual images that are shipped as numbers', () => {
  before(startBackend);

  it('exist for every shipped model, for its weights', async () => {
    const there = readdirSync(FOLDER).map((file) => path.basename(file, '.parquet'));
    const models = shippedModels().filter((name) => !name.includes('background'));
    assert.equal(models.length, 21);
    assert.deepEqual(there.sort(), [...models].sort());
    for (const name of there) {
      const loaded = loadModel(name);
      try {
        const { table, source } = await usualImages(loaded, OPTIONS);
        assert.match(source, /the first 1000 images, as shipped numbers/, name);
        assert.equal(table.columns.length, 1 + loaded.model.layers.length);
      } finally {
        disposeModel(loaded.model);
      }
    }
  });

  it('equal those computed from the images, to 8 significant bits', async () => {
    const loaded = loadModel('vae-cifar10');
    try {
      const shipped = (await usualImages(loaded, OPTIONS)).table;
      const { table } = await usualImages(loaded, { ...OPTIONS, limit: 12 });
      assert.equal((await dataset('cifar10', 'test', { limit: 12 })).count, table.rows);
      table.columns.forEach(({ values, layer }, j) => {
        const known = shipped.columns[j];
        assert.equal(known?.layer, layer);
        values.forEach((value, row) => {
          const error = Math.abs((known?.values[row] as number) - value) / Math.abs(value);
          // Half a unit of the last bit, and what another processor's sums differ by.
          assert.ok(error <= 2 ** -8 + 1e-4, `${layer} of image ${row} differs by ${error}`);
        });
      });
    } finally {
      disposeModel(loaded.model);
    }
  });

  it('are computed if another set or number of images is requested', async () => {
    const loaded = loadModel('vae-cifar10');
    try {
      const other = await usualImages(loaded, { ...OPTIONS, in: ['gtsrb'], limit: 4 });
      assert.deepEqual([other.name, other.table.rows], ['gtsrb', 4]);
      await assert.rejects(
        usualImages(loaded, { ...OPTIONS, in: ['gtsrb', 'cifar10'] }),
        /'gtsrb' does not exist/,
      );
      await assert.rejects(
        usualImages(loaded, { ...OPTIONS, in: ['cifar11'] }),
        /data set 'cifar11' is not known/,
      );
    } finally {
      disposeModel(loaded.model);
    }
  });
});
