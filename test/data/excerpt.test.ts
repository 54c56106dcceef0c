/**
 * The data that come with the program are what their README says, and come out of the code where
 * the full sets are at hand.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { EXCERPTS, excerpt } from '../../src/data/excerpt';
import { type DataSetName, dataset } from '../../src/data/index';
import { ownFolder } from './help';

const DATA = path.join(__dirname, '..', '..', 'data');
const FULL = process.env.FISHERLAB_DATA;
const sets = Object.entries(EXCERPTS) as [DataSetName, number][];
const inflated = (name: string) =>
  gunzipSync(readFileSync(path.join(DATA, name, 'test-images.npy.gz')));

describe('the embedded excerpts', () => {
  ownFolder();

  it('have the counts, sizes and checksums that data/README.md says', () => {
    const readme = readFileSync(path.join(DATA, 'README.md'), 'utf8');
    for (const [name, count] of sets) {
      const size = ['test-images.npy.gz', 'test-labels.npy'].reduce(
        (sum, file) => sum + statSync(path.join(DATA, name, file)).size,
        0,
      );
      const labels = readFileSync(path.join(DATA, name, 'test-labels.npy'));
      const sums = [inflated(name), labels].map((bytes) =>
        createHash('sha256').update(bytes).digest('hex'),
      );
      const row = readme
        .split('\n')
        .find((line) => line.startsWith(`| \`${name}\` | ${count} | ${size} |`));
      assert.ok(
        row?.endsWith(`| \`${sums[0]}\` | \`${sums[1]}\` |`),
        `${name}: ${count} images, ${size} bytes, ${sums}`,
      );
    }
  });

  it('are at least 2,000 images of each grey set and 1,000 of each colour set, 15 MiB at most together', async () => {
    for (const [name] of sets) {
      const set = await dataset(name, 'test');
      assert.ok(set.count >= (set.shape[2] === 1 ? 2000 : 1000), name);
      assert.equal(set.labels?.length, set.count);
      assert.ok(
        existsSync(path.join(DATA, name, 'test-labels.npy.sha256')),
        `${name}: altered labels would be found out`,
      );
      assert.match(set.source, /embedded excerpt/);
    }
    const folders = readdirSync(DATA).filter((name) =>
      existsSync(path.join(DATA, name, 'test-images.npy.gz')),
    );
    const total = folders.flatMap((name) =>
      readdirSync(path.join(DATA, name)).map((file) => statSync(path.join(DATA, name, file)).size),
    );
    assert.ok(total.reduce((a, b) => a + b, 0) <= 15 * 1024 * 1024);
    assert.deepEqual(
      folders.sort(),
      sets.map(([name]) => name as string).sort(),
      'no set is embedded that is not meant to be',
    );
  });

  it('hold known images: the first MNIST test digits are 7 2 1 0 4 1 4 9 5 9', async () => {
    assert.deepEqual(
      [...((await dataset('mnist', 'test', { limit: 10 })).labels ?? [])],
      [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
    );
  });

  it('are what this code makes of the full sets (skipped if FISHERLAB_DATA does not name them)', async function () {
    if (FULL === undefined) this.skip();
    for (const [name, count] of sets) {
      const { images, labels } = await excerpt(name, count, FULL);
      assert.ok(images.equals(inflated(name)), name);
      assert.ok(labels.equals(readFileSync(path.join(DATA, name, 'test-labels.npy'))), name);
    }
  });
});
