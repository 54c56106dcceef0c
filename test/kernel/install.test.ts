import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inCheckout } from '../../src/backend/root';
import { installKernel, kernelFolder, uninstallKernel } from '../../src/kernel/install';
import { KernelClient } from './client';

describe('a kernel that is installed in a Jupyter of your own', function () {
  this.timeout(120000);
  let prefix: string;
  let argv: string[];
  before(async () => {
    prefix = mkdtempSync(path.join(tmpdir(), 'a python '));
    const folder = await installKernel({ prefix });
    argv = JSON.parse(readFileSync(path.join(folder, 'kernel.json'), 'utf8')).argv;
  });
  after(() => rmSync(prefix, { recursive: true }));

  /** What a cell comes to in a notebook of this folder, in the kernel as Jupyter starts it. */
  async function valueIn(folder: string, code: string): Promise<string> {
    const [node, ...rest] = argv;
    assert.equal(node, process.execPath);
    const kernel = await KernelClient.start(folder, {}, (connection) =>
      rest.map((word) => (word === '{connection_file}' ? connection : word)),
    );
    try {
      const { result, error } = await kernel.execute(code);
      assert.equal(error, undefined);
      return result?.data['text/plain'];
    } finally {
      await kernel.stop();
    }
  }

  it('stands where Jupyter looks for it, below the prefix or for the user', () => {
    const rest = path.join('share', 'jupyter', 'kernels', 'fisherlab');
    assert.ok(existsSync(path.join(prefix, rest, 'kernel.json')));
    assert.equal(
      kernelFolder({}, { JUPYTER_DATA_DIR: '/home/me/jupyter' }),
      path.resolve('/home/me/jupyter/kernels/fisherlab'),
    );
  });

  it('runs cells of a notebook that lies outside of any clone', async () => {
    const outside = mkdtempSync(path.join(tmpdir(), 'my notebooks '));
    try {
      assert.equal(await valueIn(outside, '6 * 7'), '42');
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('imports the library in a folder of your own within the clone', async () => {
    mkdirSync(inCheckout('out'), { recursive: true });
    const own = mkdtempSync(inCheckout('out', 'my notebooks '));
    try {
      const code = "import { numerics } from 'fisherlab';\nnumerics.mean([1, 2, 6])";
      assert.equal(await valueIn(own, code), '3');
    } finally {
      rmSync(own, { recursive: true });
    }
  });

  it('is gone once it is uninstalled, and cannot be uninstalled twice', () => {
    const folder = uninstallKernel({ prefix });
    assert.ok(!existsSync(folder));
    assert.throws(() => uninstallKernel({ prefix }), /no kernel is installed in .*--prefix/);
  });
});
