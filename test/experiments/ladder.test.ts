import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import { dataset } from '../../src/data/dataset';
import { ablations } from '../../src/experiments/ablations';
import { LADDER, rungResults, rungs } from '../../src/experiments/ladder';
import { disposeModel, loadModel } from '../../src/models/checkpoint';
import { saveTinyGlow } from '../support/tiny';

before(startBackend);

describe('a ladder of models', () => {
  it('varies one thing at a time, and trains no rung twice', () => {
    const all = rungs();
    assert.equal(new Set(all.map((rung) => JSON.stringify(rung))).size, all.length);
    const largest = JSON.stringify(LADDER.sizes.at(-1));
    for (const { steps, ...size } of all)
      assert.ok(steps === LADDER.steps || JSON.stringify(size) === largest);
    assert.deepEqual(
      all
        .filter(({ steps, ...size }) => JSON.stringify(size) === largest)
        .map(({ steps }) => steps)
        .sort((a, b) => a - b),
      LADDER.lengths,
    );
  });

  it('judges a rung as the other ablations judge a model', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-ladder-'));
    const file = path.join(folder, 'rung.safetensors');
    await saveTinyGlow(file);
    const loaded = loadModel(file);
    const sets = ['fashion_mnist', 'mnist'];
    const options = { seed: 1, batchSizes: [1], cache: folder };
    const data = await Promise.all(sets.map((name) => dataset(name, 'test', { limit: 20 })));
    const { rung, at } = await rungResults(loaded, data, { K: 1, hidden: 2 }, options);
    const { batchSizes } = await ablations(loaded, sets, {
      ...options,
      images: 20,
      sizes: [1],
      draws: [1],
    });
    assert.deepEqual(at(1), batchSizes);
    assert.equal(
      rung.parameters,
      loaded.model.layers.reduce((sum, { variable }) => sum + variable.size, 0),
    );
    assert.equal(rung.checksum, loaded.checksum);
    disposeModel(loaded.model);
    rmSync(folder, { recursive: true });
  });
});
