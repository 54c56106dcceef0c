import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend, tf } from '../../src/backend/start';
import { pixels } from '../../src/data/batches';
import { dataset } from '../../src/data/dataset';
import { disposeModel, loadModel } from '../../src/models/checkpoint';
import type { CurvePoint } from '../../src/models/header';
import { readSafetensors } from '../../src/models/safetensors';
import { deriveSeed } from '../../src/numerics/random';
import { evaluate } from '../../src/training/held-out-loss';
import { run } from '../../src/training/run-folder';
import { fakeMnist, tinyRun } from './fixtures/set';

/** A run of 14 steps in a process of its own, which is killed at `step`, before that is saved. */
function killedAt(step: number, folder: string): NodeJS.Signals | null {
  const file = path.join(__dirname, 'fixtures', 'child.ts');
  const args = ['--require', 'tsx/cjs', file, folder, '14', String(step)];
  return spawnSync(process.execPath, args, { cwd: path.join(__dirname, '../..'), stdio: 'inherit' })
    .signal;
}

describe('a training run', () => {
  let folder: string;
  let dataBefore: string | undefined;
  before(async () => {
    await startBackend();
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-run-'));
    fakeMnist(folder);
    dataBefore = process.env.FISHERLAB_DATA;
    process.env.FISHERLAB_DATA = folder;
  });
  after(() => {
    if (dataBefore === undefined) delete process.env.FISHERLAB_DATA;
    else process.env.FISHERLAB_DATA = dataBefore;
    rmSync(folder, { recursive: true, force: true });
  });

  const quiet = { progress: () => {} };
  const stopAfter = (steps: number) => {
    const stop = new AbortController();
    let seen = 0;
    const progress = () => {
      if (++seen === steps) stop.abort();
    };
    return { progress, signal: stop.signal };
  };

  it('that was stopped and resumed goes through the same numbers as one that was not', async () => {
    const whole = await run(path.join(folder, 'whole'), tinyRun(14), false, quiet);
    const parts = path.join(folder, 'parts');
    assert.equal(await run(parts, tinyRun(14), false, stopAfter(5)), null);
    assert.equal(await run(parts, tinyRun(14), true, stopAfter(6)), null);
    const resumed = await run(parts, tinyRun(14), true, quiet);
    assert.deepEqual(resumed?.curve, whole?.curve as readonly CurvePoint[]);
    assert.equal(resumed?.test, whole?.test);
    const weights = (name: string) => readFileSync(path.join(folder, name, 'model.safetensors'));
    assert.ok(weights('parts').equals(weights('whole')), 'the weights are equal to the last bit');
  });

  it('that is aborted saves the step it has done, leaves no tensors, and starts nothing if it was aborted before', async () => {
    const aborted = path.join(folder, 'aborted');
    const before = tf.memory().numTensors;
    const { signal, progress } = stopAfter(6);
    assert.equal(await run(aborted, tinyRun(14), false, { signal, progress }), null);
    const { metadata } = readSafetensors(path.join(aborted, 'state.safetensors'));
    assert.equal((JSON.parse(metadata.run as string) as { step: number }).step, 6);
    assert.equal(await run(aborted, tinyRun(14), true, { signal, progress: assert.fail }), null);
    assert.equal(tf.memory().numTensors, before);
  });

  it('that was killed in the middle of a step and resumed goes through the same numbers too', async () => {
    const killed = path.join(folder, 'killed');
    assert.equal(killedAt(10, killed), 'SIGKILL');
    const state = readSafetensors(path.join(killed, 'state.safetensors'));
    const { step } = JSON.parse(state.metadata.run as string) as { step: number };
    assert.equal(step, 8, 'the last point of the curve');
    assert.ok(!existsSync(path.join(killed, 'model.safetensors')));
    const resumed = await run(killed, tinyRun(14), true, quiet);
    const whole = loadModel(path.join(folder, 'whole', 'model.safetensors'));
    assert.deepEqual(resumed?.curve, whole.header.curve);
    assert.equal(resumed?.test, whole.header.test);
    disposeModel(whole.model);
  });

  it('that was killed before anything was saved starts again', async () => {
    const early = path.join(folder, 'early');
    assert.equal(killedAt(1, early), 'SIGKILL');
    assert.ok(!existsSync(path.join(early, 'state.safetensors')));
    const resumed = await run(early, tinyRun(2), true, quiet);
    assert.equal(resumed?.step, 2);
  });

  it('keeps the weights that did best on the held-out images', async () => {
    const best = loadModel(path.join(folder, 'whole', 'best.safetensors'));
    const { curve, step, validation } = best.header;
    assert.equal(validation, Math.min(...curve.map((point) => point.validation)));
    const train = await dataset('mnist', 'train');
    const held = Array.from({ length: 10 }, (_, k) => 50 + k);
    assert.equal(evaluate(best.model, train, held, 5), validation, `the weights of step ${step}`);
    disposeModel(best.model);
  });

  it('measures bits/dim of held-out images at every point: the loss of a Glow, the bound of a diffusion model', async () => {
    const whole = loadModel(path.join(folder, 'whole', 'model.safetensors'));
    disposeModel(whole.model);
    assert.ok(whole.header.curve.every(({ validation, bitsPerDim }) => bitsPerDim === validation));
    assert.equal(whole.header.bitsPerDim, whole.header.validation);
    const model = {
      family: 'diffusion',
      imageShape: [32, 32, 1],
      dim: 8,
      dimMults: [1],
      timesteps: 30,
      timestep: 0,
      seed: 3,
    } as const;
    const header = await run(path.join(folder, 'bound'), { ...tinyRun(4), model }, false, quiet);
    const best = loadModel(path.join(folder, 'bound', 'best.safetensors'));
    const train = await dataset('mnist', 'train');
    const bound = tf.tidy(() =>
      tf
        .mean(
          best.model.bitsPerDim(
            pixels(train, [50, 51, 52, 53, 54, 55, 56, 57, 58, 59]),
            deriveSeed(5, 5),
          ),
        )
        .arraySync(),
    );
    assert.equal(header?.curve.length, 1);
    assert.equal(header?.bitsPerDim, bound);
    assert.notEqual(header?.bitsPerDim, header?.validation);
    disposeModel(best.model);
  });

  it('lowers the loss on held-out images', async () => {
    const header = await run(path.join(folder, 'longer'), tinyRun(40), false, quiet);
    const curve = header?.curve ?? [];
    assert.ok(
      (curve.at(-1)?.validation ?? 9) < (curve[0]?.validation ?? 0) - 0.05,
      JSON.stringify(curve),
    );
  });

  it('ends in a checkpoint whose likelihood is that of the header', async () => {
    const loaded = loadModel(path.join(folder, 'whole', 'model.safetensors'));

    const test = await dataset('mnist', 'test');
    const bits = evaluate(loaded.model, test, [...Array(test.count).keys()], 5);
    // Half precision moves the likelihood a little: less than a hundredth of a bit.
    assert.ok(
      Math.abs(bits - (loaded.header.test as number)) < 0.01,
      `${bits} and ${loaded.header.test}`,
    );
    disposeModel(loaded.model);
  });

  it('does not overwrite a run by accident', async () => {
    await assert.rejects(
      run(path.join(folder, 'whole'), tinyRun(14), false, quiet),
      /there is already a training run in .*--resume/,
    );
  });

  it('locks its folder: a second run, resumed or not, is told who is training there', async () => {
    const shared = path.join(folder, 'shared');
    const others: Promise<unknown>[] = [];
    const progress = () => {
      if (others.length > 0) return;
      for (const resume of [false, true])
        others.push(run(shared, tinyRun(14), resume, quiet).catch((error: Error) => error));
    };
    const header = await run(shared, tinyRun(14), false, { progress });
    for (const error of await Promise.all(others))
      assert.match(
        String(error),
        new RegExp(`process ${process.pid} on .* is training in '.*shared'`),
      );
    const alone = loadModel(path.join(folder, 'whole', 'model.safetensors'));
    assert.deepEqual(header?.curve, alone.header.curve);
    disposeModel(alone.model);
    assert.ok(!existsSync(path.join(shared, 'lock')));
  });

  it('does not resume with other options', async () => {
    await assert.rejects(
      run(path.join(folder, 'whole'), tinyRun(15), true, quiet),
      /differs in steps.*resume it with/,
    );
  });

  it('resumes under another commit a run without a preset, and records the preset from then on', async () => {
    const old = path.join(folder, 'old');
    await run(old, tinyRun(14), false, stopAfter(12));
    const header = await run(
      old,
      { ...tinyRun(14), commit: 'later', preset: 'small' },
      true,
      quiet,
    );
    assert.equal(header?.step, 14);
    const { model, header: read } = loadModel(path.join(old, 'model.safetensors'));
    disposeModel(model);
    assert.deepEqual([read.preset, read.commit], ['small', 'later']);
  });

  it('reports a truncated state', async () => {
    const cut = path.join(folder, 'cut');
    await run(cut, tinyRun(14), false, stopAfter(2));
    truncateSync(path.join(cut, 'state.safetensors'), 5000);
    await assert.rejects(run(cut, tinyRun(14), true, quiet), /state\.safetensors' is damaged/);
  });

  it('stops at a loss that is not finite, names step and tensor, and can resume from the last good state', async () => {
    const wild = path.join(folder, 'wild');
    const rate = (learningRate: number) => ({
      ...tinyRun(12),
      training: { ...tinyRun(12).training, learningRate, clip: 0 },
    });
    await assert.rejects(
      run(wild, rate(1e6), false, quiet),
      /the loss is .* at step \d+; first in tensor '[a-z]\S+'; start again with a lower --learning-rate/,
    );
    assert.deepEqual(readdirSync(wild), []);
    assert.equal(await run(wild, rate(1e-3), false, stopAfter(5)), null);
    await assert.rejects(
      run(wild, rate(1e6), true, quiet),
      /step 5 is safe in '.*state\.safetensors': resume from there with --resume/,
    );
    assert.equal((await run(wild, rate(1e-3), true, quiet))?.step, 12);
  });

  it('leaks no tensors', async () => {
    await run(path.join(folder, 'first'), tinyRun(2), false, quiet);
    const before = tf.memory().numTensors;
    await run(path.join(folder, 'second'), tinyRun(6), false, quiet);
    assert.equal(tf.memory().numTensors, before);
  });
});
