import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { BACKENDS, startBackend, tf } from '../../src/backend/start';

const root = path.resolve(__dirname, '../..');

/**
 * Starts the backend in a process of its own, since a process has only one, and multiplies two
 * matrices.
 */
function startApart(wanted: string | undefined) {
  const script = `
    require('tsx/cjs');
    const { startBackend, tf } = require('./src/backend/index.ts');
    startBackend().then(
      (choice) => {
        const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
        const product = Array.from(tf.matMul(a, a, false, true).dataSync()); // [2, 2]
        console.log(JSON.stringify({ ...choice, runs: tf.getBackend(), product }));
      },
      (error) => { console.log(JSON.stringify({ error: error.name, message: error.message })); },
    );`;
  const env = { ...process.env, FISHERLAB_BACKEND: wanted };
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return { ...(JSON.parse(stdout) as Record<string, unknown>), stderr };
}

describe('the backend', () => {
  it('is started once per process and holds the tensors', async () => {
    const [first, second] = await Promise.all([startBackend(), startBackend()]);
    assert.equal(first, second);
    assert.equal(tf.getBackend(), first.name);
    assert.ok(first.reason.length > 0);
  });

  for (const name of BACKENDS) {
    it(`runs ${name} when FISHERLAB_BACKEND says so, and says nothing of its own to stderr`, async function () {
      if (name === 'tensorflow' && (await startBackend()).name !== 'tensorflow') this.skip();
      const { stderr, ...found } = startApart(name);
      // [1 2 3; 4 5 6] times its transpose
      assert.deepEqual(found, {
        name,
        reason: 'chosen by FISHERLAB_BACKEND',
        runs: name,
        product: [14, 32, 32, 77],
      });
      assert.equal(stderr, '');
    });
  }

  it('is loaded, like every heavy library, on first use and not on import', () => {
    const script = `
      require('tsx/cjs');
      const packages = () => Object.keys(require.cache)
        .map((file) => /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1] ?? '');
      const { tf } = require('./src/index.ts');
      const imported = packages();
      tf.version;
      console.log(JSON.stringify({ imported, used: packages() }));`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
    const { imported, used } = JSON.parse(stdout) as Record<string, string[]>;
    const heavy =
      /^(@tensorflow|jsdom|plotly|sharp|katex|@vscode|markdown-it|highlight|@resvg|nodeplotlib|rxjs|hyparquet|typescript)/;
    assert.deepEqual(
      imported?.filter((name) => heavy.test(name)),
      [],
    );
    assert.ok(used?.includes('@tensorflow/tfjs'));
  });

  it('treats an empty FISHERLAB_BACKEND as unset', () => {
    const found = startApart('') as Record<string, unknown>;
    assert.notEqual(found.reason, 'chosen by FISHERLAB_BACKEND');
    assert.equal(found.name, found.runs);
  });

  it('refuses a name it does not know and lists those it knows', () => {
    const { error, message } = startApart('cuda') as Record<string, unknown>;
    assert.equal(error, 'FisherlabError');
    assert.equal(
      message,
      "FISHERLAB_BACKEND 'cuda' is not known; choose one of tensorflow, wasm, cpu",
    );
  });
});
