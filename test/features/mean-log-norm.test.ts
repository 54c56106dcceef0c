import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import { dataset } from '../../src/data/dataset';
import { shuffled } from '../../src/data/shuffled';
import type { FeatureTable } from '../../src/detectors/table';
import { extractTables } from '../../src/features/extract';
import { MEAN_LOG_NORM, meanLogNorms } from '../../src/features/mean-log-norm';
import { SHARED } from '../../src/features/noise-indices';
import { slice } from '../../src/features/reference';
import { trialTables } from '../../src/features/trial-tables';
import { disposeModel, type LoadedModel } from '../../src/models/checkpoint';
import type { CheckpointHeader } from '../../src/models/header';
import { Vae } from '../../src/models/vae/vae';
import { shaken } from '../support/tiny';

const valuesOf = ({ columns }: FeatureTable, feature: string) =>
  columns.filter((column) => column.feature === feature).map(({ values }) => [...values]);

describe('the mean of log norms', () => {
  it('is the logarithm of the geometric mean of the norms of the images of a batch', () => {
    const column = (layer: string, values: number[]) => ({
      feature: 'squared-norm',
      layer,
      size: 2,
      values: Float64Array.from(values),
    });
    const single = {
      rows: 5,
      batchSize: 1,
      columns: [
        { feature: 'log-likelihood', values: new Float64Array(5) },
        column('a', [1, 100, 8, 2, 7]),
        column('b', [0, 0, 1, 1, 1]),
      ],
    };
    const { rows, batchSize, columns } = meanLogNorms(single, 2);
    assert.deepEqual([rows, batchSize], [2, 2]);
    assert.deepEqual(
      columns.map(({ feature, layer }) => [feature, layer]),
      [
        [MEAN_LOG_NORM, 'a'],
        [MEAN_LOG_NORM, 'b'],
      ],
    );
    const [a, b] = columns.map(({ values }) => [...values]) as [number[], number[]];
    assert.ok(Math.abs((a[0] as number) - Math.log(10)) < 1e-12);
    assert.ok(Math.abs((a[1] as number) - Math.log(4)) < 1e-12);
    assert.deepEqual(b, [-149 * Math.LN2, 0]);
    assert.ok(meanLogNorms(single, 1).columns.every(({ values }) => values.length === 5));
  });

  it('comes with the tables of a trial on request, for shuffled sets and any noise', async () => {
    await startBackend();
    const model = shaken(
      new Vae({ family: 'vae', imageShape: [32, 32, 1], channels: [2], latent: 3, seed: 1 }),
    );
    const loaded: LoadedModel = {
      name: 'tiny',
      model,
      checksum: 'tiny',
      header: { data: { name: 'fashion_mnist' } } as CheckpointHeader,
    };
    const cache = mkdtempSync(path.join(tmpdir(), 'fisherlab-means-'));
    try {
      const made = await trialTables(
        loaded,
        { in: 'fashion_mnist', out: ['mnist'] },
        [MEAN_LOG_NORM],
        {
          batchSizes: [5],
          seed: 3,
          images: 10,
          ownImages: 20,
          reference: 0,
          order: 4,
          noiseIndices: SHARED,
          cache,
        },
      );
      assert.deepEqual(
        made.map((ofSize) => ofSize.map(({ name, table }) => [name, table.rows])),
        [
          [
            ['fashion_mnist', 4],
            ['mnist', 2],
          ],
        ],
      );
      const strangers = slice(shuffled(await dataset('mnist', 'test'), 4), 0, 10);
      const [one, five] = await extractTables(model, strangers, {
        batchSizes: [1, 5],
        seed: 3,
        noiseIndices: SHARED,
      });
      const table = made[0]?.[1]?.table as FeatureTable;
      assert.deepEqual(
        valuesOf(table, 'squared-norm'),
        valuesOf(five as FeatureTable, 'squared-norm'),
      );
      const expected = valuesOf(one as FeatureTable, 'squared-norm').map((norms) =>
        [0, 5].map((at) => norms.slice(at, at + 5).reduce((sum, f) => sum + Math.log(f) / 5, 0)),
      );
      valuesOf(table, MEAN_LOG_NORM).forEach((values, layer) => {
        values.forEach((value, row) => {
          const wanted = expected[layer]?.[row] as number;
          if (Number.isFinite(wanted))
            assert.ok(Math.abs(value - wanted) < 1e-9 * Math.abs(wanted) + 1e-9);
        });
      });
    } finally {
      disposeModel(model);
      rmSync(cache, { recursive: true });
    }
  });
});
