import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import { detector } from '../../src/detectors/index';
import {
  isPlayed,
  keepTables,
  modelsOf,
  playRound,
  type Round,
} from '../../src/experiments/rounds';
import { disposeModel, loadModel } from '../../src/models/checkpoint';
import { saveTinyGlow } from '../support/tiny';

describe('a round of choosing', () => {
  let folder: string;
  let round: Round;
  let weights: Record<string, string>;
  const passes: string[] = [];
  const options = () => ({
    reference: 8,
    resamples: 100,
    cache: path.join(folder, 'cache'),
    looks: path.join(folder, 'looks.json'),
    progress: (set: string) => passes.push(set),
  });

  before(async () => {
    await startBackend();
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-round-'));
    const model = path.join(folder, 'tiny.safetensors');
    await saveTinyGlow(model);
    const pairs = { model, in: 'fashion_mnist' };
    round = {
      candidates: ['likelihood', 'typicality'].map((name) => ({
        name,
        detector: () => detector(name),
      })),
      images: 40,
      tried: 3,
      chosen: 'typicality',
      development: [{ purpose: 'choosing', ...pairs, out: ['kmnist'] }],
      reporting: [{ purpose: 'reporting', ...pairs, out: ['mnist'] }],
      missing: 'nothing',
      file: path.join(folder, 'round.json'),
    };
    const loaded = loadModel(model);
    weights = { tiny: loaded.checksum };
    // a checkpoint is asked for by its path
    await keepTables(round, { ...loaded, name: model }, options());
    disposeModel(loaded.model);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is played from tables kept beforehand, with its number of images, and gives the same file again', async () => {
    assert.deepEqual([...new Set(passes)], ['fashion_mnist', 'kmnist', 'mnist']);
    passes.length = 0;
    const { images, reporting } = await playRound(round, options());
    assert.deepEqual(passes, [], 'nothing was computed again');
    assert.equal(images, 40);
    assert.deepEqual([...new Set(reporting.rows.map(({ out }) => out))], ['mnist']);
    const first = readFileSync(round.file, 'utf8');
    await playRound(round, options());
    assert.equal(readFileSync(round.file, 'utf8'), first);
  });

  it('is out of date if candidates, choice, images, models or weights differ', () => {
    const [development] = round.development as [Round['development'][0]];
    const named: Round = {
      ...round,
      development: [{ ...development, model: 'tiny' }],
      reporting: round.reporting.map((pairs) => ({ ...pairs, model: 'tiny' })),
    };
    assert.deepEqual(modelsOf(named), ['tiny']);
    assert.ok(isPlayed(named, weights));
    assert.ok(!isPlayed(named, { tiny: 'others' }));
    const others: Partial<Round>[] = [
      { images: 41 },
      { chosen: 'likelihood' },
      { candidates: round.candidates.slice(1) },
      {
        development: [
          development,
          { ...named.development[0], model: 'another' } as Round['development'][0],
        ],
      },
      { file: path.join(folder, 'not there.json') },
    ];
    for (const other of others)
      assert.ok(!isPlayed({ ...named, ...other }, weights), Object.keys(other)[0]);
  });
});
