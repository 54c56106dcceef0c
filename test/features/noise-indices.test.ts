import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { startBackend } from '../../src/backend/start';
import type { Images } from '../../src/data/dataset';
import type { FeatureTable } from '../../src/detectors/table';
import { extractTables } from '../../src/features/extract';
import { byPixels, type NoiseIndices, SHARED } from '../../src/features/noise-indices';
import { tablesOf } from '../../src/features/tables';
import { disposeModel, type LoadedModel } from '../../src/models/checkpoint';
import { createModel, preset } from '../../src/models/families';
import type { TapedModel } from '../../src/models/model';
import { difference } from '../support/close';
import { images, shaken } from '../support/tiny';

const SHAPE = [16, 16, 1] as const;
const SIZE = 256;

/** The images of `data` at `positions`. */
function chosen(data: Images, positions: readonly number[]): Images {
  const pixels = positions.flatMap((k) => [...data.images.subarray(k * SIZE, (k + 1) * SIZE)]);
  return { ...data, images: Uint8Array.from(pixels), count: positions.length };
}

describe('noise by a chosen index', () => {
  let model: TapedModel;
  const data = images('uniform', 12, SHAPE, 1);
  const table = async (set: Images, noiseIndices?: NoiseIndices) =>
    (
      await extractTables(model, set, {
        batchSizes: [1],
        seed: 4,
        ...(noiseIndices === undefined ? {} : { noiseIndices }),
      })
    )[0] as FeatureTable;
  before(async () => {
    await startBackend();
    model = shaken(createModel(preset('vae', 'small', [16, 16, 1], 1))); // whose z is its noise
  });
  after(() => disposeModel(model));

  it('computed from pixels gives an image the same numbers, bit for bit, with any other images in any order', async () => {
    const draws = 3;
    const whole = await table(data, byPixels(draws));
    assert.equal(whole.rows, draws * data.count);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 12 }),
        async (positions) => {
          const some = await table(chosen(data, positions), byPixels(draws));
          const rows = positions.flatMap((k) => [0, 1, 2].map((d) => draws * k + d));
          for (const [j, { values }] of some.columns.entries())
            assert.deepEqual(
              [...values],
              rows.map((row) => whole.columns[j]?.values[row]),
            );
        },
      ),
      { numRuns: 15, seed: 1 },
    );
    const [first, second] = whole.columns[0]?.values ?? [];
    assert.notEqual(first, second, 'each draw is another');
  });

  it('of several draws is for single images', async () => {
    const options = { batchSizes: [1, 2], seed: 4, noiseIndices: byPixels(2) };
    await assert.rejects(
      extractTables(model, data, options),
      /noise by pixels, 2 draws is for single images, not for batches of 2; choose the batch size 1/,
    );
  });

  it('by position differs for an image at another position', async () => {
    const reversed = [...data.images.keys()].slice(0, 12).reverse();
    const byPosition = await table(chosen(data, reversed));
    const own = await table(data);
    const place = difference({
      name: 'place',
      actual: byPosition.columns[0]?.values ?? [],
      expected: own.columns[0]?.values.slice().reverse() ?? [],
    });
    assert.notEqual(place, null);
  });

  it('shared by all gives equal images equal numbers, which differ from those with separate noise', async () => {
    const twins = chosen(data, [0, 0, 0]);
    const [shared, own] = [await table(twins, SHARED), await table(twins)];
    const values = shared.columns[0]?.values ?? new Float64Array(0);
    assert.equal(
      difference({
        name: 'twins',
        actual: values,
        expected: values.map(() => values[0] as number),
      }),
      null,
    );
    assert.notEqual(own.columns[0]?.values[0], own.columns[0]?.values[1]);
  });

  it('is part of the key of a table', async () => {
    const cache = await mkdtemp(path.join(tmpdir(), 'fisherlab-noise-'));
    try {
      const loaded: LoadedModel = {
        name: 'm',
        model,
        header: {} as LoadedModel['header'],
        checksum: 'm',
      };
      const computed: number[] = [];
      const kept = async (more: { noiseIndices?: NoiseIndices }) => {
        const progress = (_: string, done: number) => computed.push(done);
        const options = { batchSizes: [1], seed: 4, cache, progress, ...more };
        return (await tablesOf(loaded, data, options))[0]?.columns[0]?.values;
      };
      const [own, shared] = [await kept({}), await kept({ noiseIndices: SHARED })];
      assert.notDeepEqual(shared, own);
      computed.length = 0;
      assert.deepEqual(await kept({ noiseIndices: SHARED }), shared);
      assert.deepEqual(await kept({}), own);
      assert.deepEqual(computed, [], 'both were read');
    } finally {
      await rm(cache, { recursive: true });
    }
  });
});
