import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { BACKENDS, startBackend } from '../../src/backend/start';

const root = path.resolve(__dirname, '../..');

/** A filter of the paper's U-Net, a prime number, one; the pixels of an image. */
const CASES = [
  { norm: 'squaredNormOfRows', length: 98_304 },
  { norm: 'squaredNormOfRows', length: 997 },
  { norm: 'squaredNormOfRows', length: 1 },
  { norm: 'squaredNormOfPositions', length: 1024 },
] as const;

/**
 * For each case the relative errors, against sums in float64, of two rows of `length` numbers, or
 * two channels at `length` positions; on a backend in a process of its own.
 */
function errorsOn(backend: string): number[][] {
  const script = `
    require('tsx/cjs');
    const { startBackend, tf } = require('./src/backend/index.ts');
    const primitives = require('./src/backend/primitives.ts');
    const { uniforms } = require('./src/numerics/random.ts');
    startBackend().then(() => {
      const errors = ${JSON.stringify(CASES)}.map(({ norm, length }) => {
        const rows = tf.tensor2d(uniforms(7, 2 * length), [2, length]);
        const x = norm === 'squaredNormOfRows' ? rows : tf.expandDims(tf.transpose(rows), 0); // [1, T, 2]
        const found = primitives[norm](x).dataSync();
        const expected = rows.arraySync().map((row) => row.reduce((sum, value) => sum + value * value, 0));
        return expected.map((value, k) => Math.abs(found[k] / value - 1));
      });
      console.log(JSON.stringify(errors));
    });`;
  const env = { ...process.env, FISHERLAB_BACKEND: backend };
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as number[][];
}

describe('squared norms', () => {
  for (const backend of BACKENDS) {
    it(`of many numbers lose no accuracy by the order of summation on ${backend}`, async function () {
      if (backend === 'tensorflow' && (await startBackend()).name !== 'tensorflow') this.skip();
      const errors = errorsOn(backend);
      CASES.forEach(({ norm, length }, k) => {
        assert.equal(errors[k]?.length, 2);
        for (const error of errors[k] ?? [])
          assert.ok(error < 2e-6, `${norm} of ${length} numbers: ${error}`);
      });
    });
  }
});
