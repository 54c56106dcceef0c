import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { assertKnown, FisherlabError } from '../src/errors';

const root = path.resolve(__dirname, '..');

describe('errors', () => {
  it('name the problem and how to fix it in one line', () => {
    const error = new FisherlabError(
      "data set 'cifar11' is not known",
      'choose one of cifar10, mnist',
    );
    assert.equal(error.message, "data set 'cifar11' is not known; choose one of cifar10, mnist");
    assert.equal(error.name, 'FisherlabError');
    assert.ok(error instanceof Error);
  });

  it('list the known names when a name is unknown', () => {
    assert.throws(() => assertKnown('model', 'glwo', ['glow', 'vae']), {
      message: "model 'glwo' is not known; choose one of glow, vae",
    });
  });

  it('are not thrown for a known name, but are for names that every object has', () => {
    assert.doesNotThrow(() => assertKnown('model', 'vae', ['glow', 'vae']));
    assert.throws(() => assertKnown('model', 'toString', ['glow', 'vae']), FisherlabError);
    assert.throws(() => assertKnown('model', '', ['glow', 'vae']), FisherlabError);
  });

  /** Runs the command with a main that throws `thrown` (JavaScript source). */
  const endWith = (thrown: string) => {
    const script = `
      require('tsx/cjs');
      const { FisherlabError } = require('./src/errors.ts');
      require('./src/cli/main.ts');
      const loaded = Object.values(require.cache).find((each) => each.exports.main && each.filename.includes('cli'));
      loaded.exports = { main: async () => { throw ${thrown}; } };
      require('./bin/fisherlab.js');`;
    return spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
  };

  it('end the command line with status 1 and print only their line', () => {
    const { status, stderr } = endWith("new FisherlabError('x is wrong', 'fix it')");
    assert.equal(status, 1);
    assert.equal(stderr, 'x is wrong; fix it\n');
  });

  it('keep their stack if they are defects rather than bad input', () => {
    const { status, stderr } = endWith("new TypeError('x is no function')");
    assert.equal(status, 1);
    assert.match(stderr, /TypeError: x is no function\n\s+at /);
  });
});
