import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { startBackend } from '../../src/backend/start';
import type { Images } from '../../src/data/dataset';
import type { FeatureTable } from '../../src/detectors/table';
import { extractTables } from '../../src/features/extract';
import { type NoiseIndices, SHARED } from '../../src/features/noise-indices';
import { tablesOf } from '../../src/features/tables';
import { disposeModel, type LoadedModel } from '../../src/models/checkpoint';
import { createModel, preset } from '../../src/models/families';
import type { TapedModel } from '../../src/models/model';
import { difference } from '../support/close';
import { images, shaken } from '../support/tiny';

const SHAPE = [16, 16, 1] as const;
const SIZE = 256;

const byPixels: NoiseIndices = {
  name: 'pixels',
  of: (data, positions) =>
    positions.map((k) =>
      createHash('sha256')
        .update(data.images.subarray(k * SIZE, (k + 1) * SIZE))
        .digest()
        .readUInt32LE(0),
    ),
};

/** The images of `data` at `positions`. */
function chosen(data: Images, positions: readonly number[]): Images {
  const pixels = positions.flatMap((k) => [...data.images.subarray(k * SIZE, (k + 1) * SIZE)]);
  return { ...data, images: Uint8Array.from(pixels), count: positions.length };
}

describe('noise by an index of one’s choice', () => {
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

  it('made of pixels gives an image the same numbers in any company, in any order', async () => {
    const whole = await table(data, byPixels);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { minLength: 1 }),
        async (positions) => {
          const some = await table(chosen(data, positions), byPixels);
          for (const [j, { values }] of some.columns.entries()) {
            const expected = positions.map((k) => whole.columns[j]?.values[k] as number);
            assert.equal(difference({ name: `${j}`, actual: values, expected }), null);
          }
        },
      ),
      { numRuns: 15 },
    );
    const reversed = [...data.images.keys()].slice(0, 12).reverse();
    const byPosition = await table(chosen(data, reversed));
    const own = await table(data);
    const place = difference({
      name: 'place',
      actual: byPosition.columns[0]?.values ?? [],
      expected: own.columns[0]?.values.slice().reverse() ?? [],
    });
    assert.notEqual(place, null, 'an image’s place is another thing');
  });

  it('shared gives equal images equal numbers, and others than noise of their own', async () => {
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

  it('is part of what a table is kept under', async () => {
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
