import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import type { FeatureTable } from '../../src/detectors/table';
import { FisherlabError } from '../../src/errors';
import { cachedTable, readTable, tablePath, writeTable } from '../../src/features/table-cache';
import { normalAt } from '../../src/numerics/random';

describe('the cache of feature tables', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fisherlab-tables-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  const awkward = [0, -0, 5e-324, -1.7976931348623157e308, Number.NaN, Infinity, -Infinity, 0.1];
  const table: FeatureTable = {
    rows: 8,
    batchSize: 5,
    columns: [
      { feature: 'log-likelihood', values: Float64Array.from(awkward) },
      {
        feature: 'squared-norm',
        layer: 'flow.layers.1.actnorm.bias',
        size: 12,
        values: Float64Array.from(awkward, (_, i) => i / 3),
      },
      { feature: 'projection', layer: 'head', values: new Float64Array(8).fill(2) },
      { feature: 'projection', layer: 'head', values: new Float64Array(8).fill(3) },
    ],
  };
  const key = { model: 'glow', seed: 1, batchSize: 5 };

  /** Equal in every bit, NaN and the sign of zero included. */
  function assertIdentical(a: FeatureTable | undefined, b: FeatureTable): void {
    const bits = (t: FeatureTable) => ({
      ...t,
      columns: t.columns.map((c) => [c.feature, c.layer, c.size, Buffer.from(c.values.buffer)]),
    });
    assert.deepEqual(a && bits(a), bits(b));
  }

  it('returns every bit of every number, and all properties of the columns', async () => {
    await cachedTable(directory, key, async () => table);
    assertIdentical(await readTable(directory, key), table);
  });

  it('does so for any numbers and for tables of many rows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double(), { maxLength: 50 }), async (numbers) => {
        const made = {
          rows: numbers.length,
          batchSize: 1,
          columns: [{ feature: 'a', values: Float64Array.from(numbers) }],
        };
        await writeTable(directory, key, made);
        assertIdentical(await readTable(directory, key), made);
      }),
      { seed: 1, numRuns: 30 },
    );
    const long = {
      rows: 300_000,
      batchSize: 1,
      columns: [
        { feature: 'a', values: Float64Array.from({ length: 300_000 }, (_, i) => normalAt(1, i)) },
      ],
    };
    await writeTable(directory, key, long);
    assertIdentical(await readTable(directory, key), long);
  });

  it('keeps zero and minus zero apart if a column repeats few numbers', async () => {
    const zeros = Float64Array.from({ length: 5000 }, (_, i) => (i % 3 === 0 ? -0 : 0));
    const made = { rows: 5000, batchSize: 1, columns: [{ feature: 'a', values: zeros }] };
    await writeTable(directory, key, made);
    assertIdentical(await readTable(directory, key), made);
  });

  it('makes a table once, and again for another key', async () => {
    let made = 0;
    const make = async () => {
      made++;
      return table;
    };
    await cachedTable(directory, key, make);
    assertIdentical(
      await cachedTable(directory, { batchSize: 5, seed: 1, model: 'glow' }, make),
      table,
    );
    assert.equal(made, 1, 'the order of names in a key does not matter');
    await cachedTable(directory, { ...key, seed: 2 }, make);
    assert.equal(made, 2);
  });

  it('is plain Parquet to other readers', async () => {
    const file = tablePath(directory, key);
    await writeTable(directory, key, table);
    const rows = await parquetReadObjects({ file: new Uint8Array(await readFile(file)).buffer });
    assert.deepEqual(Object.keys(rows[0] ?? {}), [
      'log-likelihood',
      'squared-norm:flow.layers.1.actnorm.bias',
      'projection:head',
      'projection:head #2',
    ]);
    assert.equal(rows[7]?.['log-likelihood'], 0.1);
  });

  it('notices a file that was truncated, altered or is something else, and says how to fix it', async () => {
    const file = tablePath(directory, key);
    await writeTable(directory, key, table);
    const whole = await readFile(file);
    for (const bytes of [
      whole.subarray(0, 100),
      whole.subarray(100),
      Buffer.alloc(0),
      Buffer.from('not a table'),
    ]) {
      await writeFile(file, bytes);
      await assert.rejects(readTable(directory, key), (error: Error) => {
        assert.ok(error instanceof FisherlabError && error.message.includes(file), error.message);
        return /damaged .*delete the file/.test(error.message);
      });
    }
    let found = 0;
    for (let at = 0; at < whole.length; at += 7) {
      const altered = Buffer.from(whole);
      altered[at] = (altered[at] as number) ^ 16;
      await writeFile(file, altered);
      // A byte that nothing depends on (a statistic of a page) may change; a table that is not the
      // one that was written may not come out.
      await readTable(directory, key).then(
        (read) => assertIdentical(read, table),
        (error) => {
          assert.ok(error instanceof FisherlabError, error.stack);
          found++;
        },
      );
    }
    assert.ok(found > whole.length / 7 / 2, `${found} of ${whole.length / 7} found out`);
  });

  it('does not return the table of another key', async () => {
    const other = { ...key, seed: 2 };
    await writeTable(directory, other, table);
    await rename(tablePath(directory, other), tablePath(directory, key));
    await assert.rejects(
      readTable(directory, key),
      /is damaged \(it was made from something else\); delete the file/,
    );
  });

  it('leaves nothing behind when making or writing fails', async () => {
    const failing = cachedTable(directory, key, async () => {
      throw new Error('out of images');
    });
    await assert.rejects(failing, /out of images/);
    const ragged = { ...table, rows: 7 };
    await assert.rejects(
      writeTable(directory, key, ragged),
      /'log-likelihood' has 8 values in a table of 7 rows/,
    );
    assert.deepEqual(await readdir(directory), []);
  });
});
