import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheCandidates } from '../../src/backend/setup/cache.mjs';
import { jupyterPrograms } from '../../src/backend/setup/jupyter.mjs';

const ROOT = path.resolve(__dirname, '../..');

describe("Jupyter's own suite for kernels", () => {
  it('passes completely: nothing fails, nothing is skipped', function () {
    this.timeout(300000);
    const programs = jupyterPrograms(ROOT, cacheCandidates(process.env, ROOT));
    if (programs === null) {
      (this.test as Mocha.Test).title += ' (skipped: JupyterLab is not installed)';
      this.skip();
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-conformance-'));
    const kernel = path.join(folder, 'kernels', 'fisherlab');
    mkdirSync(kernel, { recursive: true });
    const main = path.join(ROOT, 'src', 'kernel', 'main.cjs');
    writeFileSync(
      path.join(kernel, 'kernel.json'),
      JSON.stringify({
        argv: [process.execPath, main, '{connection_file}'],
        display_name: 'under test',
        language: 'typescript',
        interrupt_mode: 'message',
      }),
    );
    try {
      const { status, stderr } = spawnSync(
        path.join(programs, 'python'),
        [path.join(__dirname, 'conformance.py')],
        {
          cwd: path.join(ROOT, 'notebooks'),
          env: { ...process.env, JUPYTER_PATH: folder },
          encoding: 'utf8',
        },
      );
      assert.equal(status, 0, stderr);
      assert.match(stderr, /Ran 12 tests/);
      assert.doesNotMatch(stderr, /skipped/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
