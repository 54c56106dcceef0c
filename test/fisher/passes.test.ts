import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { dampedFisherNorm } from '../../src/fisher/damped-norm';
import { diagonalFisherNorm } from '../../src/fisher/diagonal-norm';
import { samplesOf } from '../../src/fisher/draws';
import { estimateFisher } from '../../src/fisher/estimate';
import { kroneckerFisherNorm } from '../../src/fisher/kronecker-norm';
import type { PassOptions } from '../../src/fisher/passes';
import { spectra } from '../../src/fisher/spectrum';
import { chooseWindows } from '../../src/fisher/windows';
import { cosineWithMean } from '../../src/gradients/built-in-features';
import { disposeModel } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow/glow';
import { shake } from '../models/finite-differences';

describe('passes over draws', () => {
  let model: Glow;
  before(async () => {
    await startBackend();
    model = new Glow({ family: 'glow', imageShape: [4, 4, 1], K: 1, L: 1, hidden: 3, seed: 2 });
    shake(model.layers, 3, 0.1);
  });
  after(() => disposeModel(model));

  const draws = () => samplesOf(model, 5, 200); // four blocks
  const passes: Readonly<Record<string, (options: PassOptions) => Promise<unknown>>> = {
    estimate: (options) =>
      estimateFisher(model, draws(), { ...options, windows: chooseWindows(model, { seed: 1 }) }),
    spectra: (options) => spectra(model, draws(), { ...options, seed: 1 }),
    // the memory of a few layers: aborted in the second group of layers
    'spectra, in groups of layers': (options) =>
      spectra(model, draws(), { ...options, seed: 1, memory: 4 * 200 * 600 }),
    'damped Fisher norm': (options) =>
      dampedFisherNorm(model, draws(), { ...options, memory: 4 * 200 * 600 }),
    'diagonal Fisher norm': (options) => diagonalFisherNorm(model, draws(), options),
    'Kronecker-factored Fisher norm': (options) => kroneckerFisherNorm(model, draws(), options),
  };

  for (const [name, pass] of Object.entries(passes)) {
    it(`of ${name} end at an abort, with its reason, before the next block, and leave no tensor`, async () => {
      const held = tf.memory().numTensors;
      const stop = new AbortController();
      const reason = new Error('no longer wanted');
      const seen: number[] = [];
      // what aborts is outside of the pass: it has its turn between two blocks
      const progress = (done: number, total: number) => {
        seen.push(done);
        if (done > total / 3) setImmediate(() => stop.abort(reason));
      };
      await assert.rejects(pass({ progress, signal: stop.signal }), reason);
      const before = seen.length;
      assert.ok(before >= 2);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(seen.length, before);
      assert.equal(tf.memory().numTensors, held);
      await assert.rejects(pass({ progress, signal: stop.signal }), reason);
      assert.equal(seen.length, before, 'an aborted signal starts nothing');
    });
  }

  it('of a mean gradient end too', async () => {
    const held = tf.memory().numTensors;
    const stop = new AbortController();
    let blocks = 0;
    const counted = {
      count: draws().count,
      *blocks() {
        for (const block of draws().blocks()) {
          if (++blocks === 2) stop.abort(new Error('no longer wanted'));
          yield block;
        }
      },
    };
    const { signal } = stop;
    await assert.rejects(cosineWithMean(model, counted, { signal }), /no longer wanted/);
    assert.equal(blocks, 2);
    assert.equal(tf.memory().numTensors, held);
  });

  it('of two estimates at the same time do not disturb each other', async () => {
    const one = await estimateFisher(model, draws());
    const [a, b] = await Promise.all([
      estimateFisher(model, draws()),
      estimateFisher(model, draws()),
    ]);
    assert.deepEqual([a, b], [one, one]);
  });
});
