import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import {
  FIGURE_TABLES,
  figureLayers,
  figureModels,
  figureSets,
  figureTables,
  layerTables,
  recomputed,
  withoutFigureTables,
} from '../../src/experiments/figure-tables';
import { disposeModel, loadModel } from '../../src/models/checkpoint';

const ROOT = path.resolve(__dirname, '..', '..');

describe('the tables behind the paper’s figures', () => {
  const [first, second] = figureModels() as [string, string];
  let weights: Readonly<Record<string, string>>;

  before(async () => {
    await startBackend();
    weights = Object.fromEntries(
      figureModels().map((name) => {
        const { model, checksum } = loadModel(name);
        disposeModel(model);
        return [name, checksum];
      }),
    );
  });

  it('exist for every model, for the shipped weights', () => {
    assert.deepEqual(withoutFigureTables(), []);
    assert.deepEqual(withoutFigureTables(weights), []);
  });

  it('are reported missing for a retrained model, and for one without files', () => {
    const { [first]: _, ...known } = weights;
    assert.deepEqual(withoutFigureTables({ ...known, [second]: 'of other weights' }), [
      first,
      second,
    ]);
  });

  it('are one file per table, with none of older weights left over', () => {
    const folder = path.join(ROOT, 'data', 'results', 'tables');
    const files = readdirSync(folder).map((name) => readdirSync(path.join(folder, name)).length);
    assert.deepEqual(new Set(files), new Set([1]));
  });

  it('have the batches of each set and the chosen layers, with only finite numbers', async () => {
    for (const B of FIGURE_TABLES.batchSizes) {
      const tables = await figureTables('vae-svhn', B);
      assert.deepEqual(
        tables.map(({ name }) => name),
        figureSets('vae-svhn'),
      );
      for (const { table } of tables) {
        assert.equal(table.rows, FIGURE_TABLES.images / B);
        assert.deepEqual(
          table.columns.flatMap(({ layer }) => layer ?? []).sort(),
          [...figureLayers('vae-svhn')].sort(),
        );
        assert.ok(table.columns.every(({ values }) => values.every(Number.isFinite)));
      }
    }
  });

  it('agree with the model: the first images’ rows are computed again', async () => {
    const loaded = loadModel('vae-cifar10');
    try {
      const again = await recomputed(loaded, 'cifar10', 2);
      const [stored] = await figureTables('vae-cifar10', 1);
      assert.equal(again.columns.length, stored?.table.columns.length);
      for (const [j, { values }] of again.columns.entries())
        for (const [row, value] of values.entries()) {
          const kept = stored?.table.columns[j]?.values[row] as number;
          // Stored as float32, and computed in batches of other sizes.
          assert.ok(Math.abs(value - kept) <= 1e-4 * Math.abs(kept), `${value}, stored ${kept}`);
        }
    } finally {
      disposeModel(loaded.model);
    }
  });

  it('list the models that have tables when asked for another', async () => {
    await assert.rejects(figureTables('glow-mnist', 1), /no table 'glow-mnist-B1'/);
    await assert.rejects(layerTables('vae-svhn'), /no table 'vae-svhn-layers'/);
    assert.throws(() => figureLayers('flow-mnist'), /choose one of glow-cifar10/);
  });
});
