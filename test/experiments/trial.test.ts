import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs';
import { startBackend, tf } from '../../src/backend/start';
import { pixels } from '../../src/data/batches';
import { dataset } from '../../src/data/dataset';
import { detector } from '../../src/detectors/catalogue';
import { combine, log, raw } from '../../src/detectors/combine';
import { nearestNeighbours } from '../../src/detectors/nearest-neighbours';
import { pairedBootstrap } from '../../src/evaluation/bootstrap';
import { halves } from '../../src/evaluation/protocol';
import type { Candidate } from '../../src/experiments/candidates';
import type { PairSet } from '../../src/experiments/pairs';
import {
  compare,
  type Frozen,
  freeze,
  report,
  type TrialOptions,
} from '../../src/experiments/trial';
import { goal, marginBars } from '../../src/experiments/trial-outcome';
import { extractTables } from '../../src/features/extract';
import { trialTables } from '../../src/features/trial-tables';
import { defineFeature } from '../../src/gradients/features';
import { disposeModel, loadModel, saveCheckpoint } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow/glow';
import { deriveSeed } from '../../src/numerics/random';
import { shake } from '../models/finite-differences';

const [REFERENCE, IMAGES] = [8, 40];
let folder: string;
let development: PairSet<'choosing'>[];
let reporting: PairSet<'reporting'>[];
let options: TrialOptions;

const largest = (name = 'largest') =>
  defineFeature({
    name,
    ofLayer: (x: Tensor, dy: Tensor) =>
      tf.max(tf.abs(tf.matMul(x as never, dy as never, true)), [1, 2]),
  });
const neighbours: Candidate = {
  name: 'neighbours',
  detector: () => combine([log('squared-norm')], nearestNeighbours(3)),
};
const likelihood: Candidate = { name: 'likelihood', detector: () => detector('likelihood') };

before(async () => {
  await startBackend();
  folder = await mkdtemp(path.join(os.tmpdir(), 'fisherlab-trial-'));
  const config = {
    family: 'glow',
    imageShape: [32, 32, 1],
    K: 1,
    L: 1,
    hidden: 4,
    seed: 1,
  } as const;
  const model = new Glow(config);
  shake(model.layers, 4, 0.05);
  const file = path.join(folder, 'tiny.safetensors');
  await saveCheckpoint(file, model, {
    config,
    data: { name: 'fashion_mnist', images: 0, validation: 0 },
    training: {},
    step: 0,
    unit: 'bits/dim',
    validation: 0,
    curve: [],
    commit: '',
  });
  disposeModel(model);
  development = [
    { purpose: 'choosing', model: file, in: 'fashion_mnist', out: ['kmnist', 'omniglot'] },
  ];
  reporting = [{ purpose: 'reporting', model: file, in: 'fashion_mnist', out: ['mnist'] }];
  options = {
    images: IMAGES,
    reference: REFERENCE,
    resamples: 200,
    seed: 3,
    cache: path.join(folder, 'cache'),
  };
});
after(() => rm(folder, { recursive: true }));

describe('a trial', () => {
  it('takes ten lines from a feature to a verdict', async () => {
    const mine = largest();
    const trial = await compare(
      [
        {
          name: 'mine',
          features: [mine],
          detector: () => combine([log('largest')], nearestNeighbours(3)),
        },
      ],
      options,
      development,
    );
    assert.deepEqual(
      trial.rows.map(({ candidate, batchSize, in: inside, out }) => [
        candidate,
        batchSize,
        inside,
        out,
      ]),
      [1, 5].flatMap((B) => ['kmnist', 'omniglot'].map((out) => ['mine', B, 'fashion_mnist', out])),
    );
    for (const { verdict, value, auroc, paper } of trial.rows) {
      assert.ok(['win', 'draw', 'loss'].includes(verdict));
      assert.equal(value, auroc - paper);
    }
  });

  it('gives the margins of the paired bootstrap on scores made by hand', async () => {
    const before = tf.memory().numTensors;
    const { rows, means } = await compare(
      [neighbours, likelihood],
      { ...options, tried: 4 },
      development,
    );
    assert.equal(tf.memory().numTensors, before, 'a trial leaves no tensors');
    const { model } = loadModel((development[0] as PairSet<'choosing'>).model);
    const clothes = await dataset('fashion_mnist', 'test', { limit: REFERENCE + IMAGES });
    const rest = { ...clothes, count: IMAGES, images: clothes.images.slice(REFERENCE * 1024) };
    const [inside] = await extractTables(model, rest, { batchSizes: [1], seed: 3 });
    const [outside] = await extractTables(
      model,
      await dataset('omniglot', 'test', { limit: IMAGES }),
      {
        batchSizes: [1],
        seed: 3,
      },
    );
    disposeModel(model);
    assert.ok(inside && outside);
    const { fit, score } = halves(inside);
    const scores = [detector('layer-wise gradients'), neighbours.detector(0)].map((one) => {
      const fitted = one.fit(fit);
      return { in: fitted.score(score), out: fitted.score(outside) };
    });
    const [paper, candidate] = scores as [(typeof scores)[0], (typeof scores)[0]];
    const expected = pairedBootstrap(candidate, paper, {
      seed: deriveSeed(3, 5),
      resamples: 200,
      inName: 'fashion_mnist',
      outName: 'omniglot',
    });
    const row = rows.find(
      (one) => one.candidate === 'neighbours' && one.out === 'omniglot' && one.batchSize === 1,
    );
    assert.ok(expected.value !== 0, 'a pair that tells them apart');
    assert.deepEqual({ value: row?.value, low: row?.low, high: row?.high }, expected);

    const mine = rows.filter((one) => one.candidate === 'neighbours' && one.batchSize === 1);
    const mean = means.find((one) => one.candidate === 'neighbours' && one.batchSize === 1);
    assert.ok(
      Math.abs((mean?.value as number) - mine.reduce((sum, { value }) => sum + value / 2, 0)) <
        1e-12,
    );
    assert.equal(mean?.worst, Math.min(...mine.map(({ value }) => value)));
    const { categories, series } = marginBars(rows, 1);
    assert.deepEqual(categories, ['fashion_mnist → kmnist', 'fashion_mnist → omniglot']);
    assert.deepEqual(
      series[0]?.values,
      mine.map(({ value }) => value),
    );
  });

  it('corrects for candidates of earlier trials', async () => {
    const [alone, many] = [
      await compare([likelihood], options, development),
      await compare([likelihood], { ...options, tried: 10 }, development),
    ];
    alone.rows.forEach(({ p }, r) => {
      assert.ok(Math.abs((many.rows[r]?.p as number) - Math.min(1, 10 * p)) < 1e-12);
    });
  });

  it('computes a known feature once, and your own feature once per process', async () => {
    const passes: string[] = [];
    const counting = {
      ...options,
      cache: path.join(folder, 'fresh'),
      progress: (set: string) => passes.push(set),
    };
    const mine = largest('largest, counted');
    const candidate: Candidate = {
      name: 'mine',
      features: ['one-norm', mine],
      detector: () => combine([log('one-norm'), log(mine.name)], nearestNeighbours(3)),
    };
    const first = await compare([candidate], counting, development);
    assert.deepEqual([...new Set(passes)], ['fashion_mnist', 'kmnist', 'omniglot']);
    passes.length = 0;
    assert.deepEqual((await compare([candidate], counting, development)).rows, first.rows);
    assert.deepEqual(passes, []);
    const edited = { ...candidate, features: ['one-norm', largest('largest, counted')] };
    await compare([edited], counting, development);
    assert.ok(passes.length > 0, 'a feature that was defined again is computed again');
  });

  it('knows every named feature, with one column per layer or per image', async () => {
    const loaded = loadModel((development[0] as PairSet<'choosing'>).model);
    const before = tf.memory().numTensors;
    const names = [
      'damped-fisher-norm',
      'diagonal-fisher-norm',
      'kronecker-fisher-norm',
      'cosine-with-mean',
      'random-projections',
      'maximum',
    ];
    const ofImages = ['input-gradient-norm', 'log-prior', 'log-determinant'];
    const [[table] = []] = await trialTables(
      loaded,
      { in: 'fashion_mnist', out: [] },
      [...names, ...ofImages],
      {
        batchSizes: [5],
        seed: 3,
        images: 20,
        reference: REFERENCE,
        cache: path.join(folder, 'named'),
      },
    );
    assert.equal(tf.memory().numTensors, before);
    const columns = table?.table.columns ?? [];
    const count = (feature: string) =>
      columns.filter((column) => column.feature === feature).length;
    const layers = loaded.model.layers.filter(({ frozen }) => !frozen).length;
    for (const name of names.filter((one) => one !== 'random-projections'))
      assert.equal(count(name), layers, name);
    assert.equal(count('random-projections[1]'), layers);
    for (const name of [...ofImages, 'log-likelihood']) assert.equal(count(name), 1, name);
    const values = (feature: string) =>
      columns.find((column) => column.feature === feature)?.values as Float64Array;
    values('log-likelihood').forEach((whole, r) => {
      const parts = (values('log-prior')[r] as number) + (values('log-determinant')[r] as number);
      assert.ok(Math.abs(parts - whole) < 1e-4 * Math.abs(whole), `${parts} instead of ${whole}`);
    });

    // By hand: the second batch of five is images 8 + 5 … 8 + 9 with the noise of places 5 … 9.
    const places = [5, 6, 7, 8, 9];
    const clothes = await dataset('fashion_mnist', 'test', { limit: 30 });
    const [images, noise] = [
      pixels(
        clothes,
        places.map((k) => REFERENCE + k),
      ),
      loaded.model.noise(places, 3),
    ];
    const gradient = loaded.model.imageGradient(images, noise);
    const norm = Float64Array.from(gradient.dataSync()).reduce((sum, g) => sum + g * g, 0);
    tf.dispose([images, noise, gradient]);
    assert.ok(Math.abs((values('input-gradient-norm')[1] as number) - norm) < 1e-3 * norm);
    disposeModel(loaded.model);
  });

  it('says what is wrong with a candidate', async () => {
    const refused = (candidates: Candidate[], message: RegExp) =>
      assert.rejects(() => compare(candidates, options, development), message);
    await refused([neighbours, neighbours], /two candidates are called 'neighbours'/);
    await refused([], /there are no candidates/);
    await refused([{ ...neighbours, features: ['two-norm'] }], /feature 'two-norm'/);
    await refused(
      [{ ...neighbours, features: [largest('one-norm'), 'one-norm'] }],
      /two features are called 'one-norm'/,
    );
    await refused(
      [{ ...neighbours, detector: () => combine([raw('largest')], nearestNeighbours(3)) }],
      /no feature 'largest'/,
    );
    const relative = defineFeature({
      name: 'relative',
      ofLayer: (x, dy) => {
        const norm = tf.sum(tf.square(tf.matMul(x as never, dy as never, true)), [1, 2]);
        return tf.sub(norm, tf.mean(norm));
      },
    });
    await refused(
      [{ ...neighbours, features: [relative] }],
      /feature 'relative' of layer '[^']+' depends on the other images/,
    );
    await assert.rejects(
      () => compare([neighbours], { ...options, reference: 45, images: 3 }, development),
      /has 48 images, too few for 45 reference images/,
    );
  });
});

describe('reporting', () => {
  it('accepts one frozen candidate and records each look once', async () => {
    const looks = path.join(folder, 'looks.json');
    const trial = await compare([neighbours, likelihood], { ...options, tried: 7 }, development);
    const first = await report(freeze(trial, 'neighbours'), { ...options, looks }, reporting);
    assert.deepEqual(
      first.rows.map(({ candidate, out, batchSize }) => [candidate, out, batchSize]),
      [
        ['neighbours', 'mnist', 1],
        ['neighbours', 'mnist', 5],
      ],
    );
    const written = await readFile(looks, 'utf8');
    const [look] = JSON.parse(written);
    assert.deepEqual([look.candidate, look.chosenFrom, look.pairs.length], ['neighbours', 7, 1]);

    const again = await report(freeze(trial, 'neighbours'), { ...options, looks }, reporting);
    assert.deepEqual(again.rows, first.rows);
    assert.equal(
      await readFile(looks, 'utf8'),
      written,
      'the same candidate again is no other look',
    );

    const [pair] = reporting as [PairSet<'reporting'>];
    const more = await report(freeze(trial, 'neighbours'), { ...options, looks }, [
      { ...pair, out: ['mnist', 'emnist_letters'] },
    ]);
    assert.equal(more.tried, 1);
    assert.deepEqual(more.looks, [
      { ...look, pairs: [...look.pairs, look.pairs[0].replace('→ mnist', '→ emnist_letters')] },
    ]);

    const second = await report(freeze(trial, 'likelihood'), { ...options, looks }, reporting);
    assert.equal(second.looks.length, 2);
    assert.equal(second.tried, 2, 'who comes back with another choice pays for it');
  });

  it('refuses whatever was not frozen, and pairs of the other purpose', async () => {
    const trial = await compare([neighbours], options, development);
    assert.throws(() => freeze(trial, 'likelihood'), /no candidate 'likelihood' was in the trial/);
    const looks = path.join(folder, 'refused.json');
    const loose = { candidate: neighbours, chosenFrom: 1, chosenFor: [] } as unknown as Frozen;
    await assert.rejects(
      () => report(loose, { ...options, looks }, reporting),
      /only one frozen candidate can be reported/,
    );
    const wrong = development as unknown as PairSet<'reporting'>[];
    await assert.rejects(
      () => report(freeze(trial, 'neighbours'), { ...options, looks }, wrong),
      /is for choosing/,
    );
    await assert.rejects(
      () => compare([neighbours], options, reporting as unknown as PairSet<'choosing'>[]),
      /is for reporting/,
    );
    await assert.rejects(() => readFile(looks), 'nothing was looked at');
  });

  it('stops at a damaged record', async () => {
    const looks = path.join(folder, 'damaged.json');
    await writeFile(looks, '[{');
    const trial = await compare([neighbours], options, development);
    await assert.rejects(
      () => report(freeze(trial, 'neighbours'), { ...options, looks }, reporting),
      /the record of looks .* is damaged/,
    );
  });

  it('says of each part of the goal whether it is met', () => {
    const margin = {
      low: 0.01,
      high: 0.2,
      p: 0.01,
      verdict: 'win' as const,
      candidate: 'a',
      batchSize: 1,
      auroc: 0.9,
      paper: 0.8,
    };
    const row = (value: number) => ({ ...margin, value, model: '', in: '', out: '' });
    const outcome = (values: number[], low: number) => ({
      rows: values.map(row),
      means: [
        {
          ...margin,
          low,
          value: values.reduce((a, b) => a + b) / values.length,
          worst: Math.min(...values),
        },
      ],
      tried: 1,
      models: {},
    });
    assert.deepEqual(goal(outcome([0.2, -0.005], 0.01), 'a', 1), {
      gain: true,
      surelyAbove: true,
      nowhereBelow: true,
      reached: true,
    });
    assert.deepEqual(goal(outcome([0.2, -0.02], -0.1), 'a', 1), {
      gain: true,
      surelyAbove: false,
      nowhereBelow: false,
      reached: false,
    });
    assert.equal(goal(outcome([0.04], 0.01), 'a', 1).gain, false);
  });
});
