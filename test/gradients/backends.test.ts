import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/**
 * The portable ways (no filter gradient in wasm, no native kernels in either) run the very
 * comparisons of `operations.test.ts`, in a process of their own.
 */
describe('gradients of operations without the native library', () => {
  for (const backend of ['cpu', 'wasm']) {
    it(`equal those of a plain loop over images on the ${backend} backend`, function () {
      this.timeout(300_000);
      const mocha = path.join(
        path.dirname(require.resolve('mocha/package.json')),
        'bin',
        'mocha.js',
      );
      const tests = path.join(__dirname, 'operations.test.ts');
      const child = spawnSync(
        process.execPath,
        [
          mocha,
          '--no-config',
          '--require',
          'tsx/cjs',
          '--timeout',
          '120000',
          '--reporter',
          'json',
          tests,
        ],
        {
          encoding: 'utf8',
          maxBuffer: 1e8,
          env: { ...process.env, FISHERLAB_BACKEND: backend, FISHERLAB_TEST_RUNS: '4' },
        },
      );
      const report = JSON.parse(child.stdout.slice(child.stdout.indexOf('{'))) as {
        stats: { passes: number };
        failures: { title: string; err: { message: string } }[];
      };
      assert.deepEqual(
        report.failures.map(({ title, err }) => `${title}: ${err.message.slice(0, 600)}`),
        [],
      );
      assert.ok(report.stats.passes >= 16, `${report.stats.passes} operations`);
    });
  }
});
