import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import {
  KEPT_TABLES,
  makeTables,
  triedModels,
  withoutResults,
} from '../../src/experiments/kept-tables';
import { modelCards, shippedCards } from '../../src/experiments/model-cards';
import { RESULTS, readModelResults, summaryFile } from '../../src/experiments/results-file';
import { summarise } from '../../src/experiments/summary';
import { disposeModel, loadModel } from '../../src/models/checkpoint';
import { saveTinyGlow } from '../support/tiny';

let folder: string;
let model: string;
before(async () => {
  await startBackend();
  folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-kept-'));
  model = path.join(folder, 'tiny.safetensors');
  await saveTinyGlow(model);
});
after(() => rmSync(folder, { recursive: true }));

describe('the stored tables', () => {
  const cards = shippedCards();
  const weights = () => Object.fromEntries(cards.map((card) => [card.model, card.checksum]));

  for (const { folder: where, protocol, limit } of KEPT_TABLES) {
    const images = limit === null ? 'all images' : `${limit} images of each set`;
    it(`hold of what is shipped, ${protocol}, ${images}, results of every model and its weights, and their summary`, () => {
      assert.deepEqual(
        withoutResults(triedModels(), weights(), { folder: where, protocol, limit }),
        [],
      );
      const summary = JSON.parse(readFileSync(summaryFile(where), 'utf8'));
      assert.deepEqual(JSON.parse(JSON.stringify(summarise(readModelResults(where)))), summary);
    });
  }

  it('list models without results, or with results of a trial or of other weights', () => {
    const [first, second] = triedModels() as [string, string];
    const tables = { folder: RESULTS, protocol: 'halves', limit: null } as const;
    assert.deepEqual(
      withoutResults([first, second], { ...weights(), [second]: 'others' }, tables),
      [second],
    );
    const folderOfTrials = path.join(folder, 'trials');
    mkdirSync(folderOfTrials);
    const results = JSON.parse(readFileSync(path.join(tables.folder, `${first}.json`), 'utf8'));
    writeFileSync(
      path.join(folderOfTrials, `${first}.json`),
      JSON.stringify({ ...results, limit: 100 }),
    );
    assert.deepEqual(
      withoutResults([first, second], weights(), { ...tables, folder: folderOfTrials }),
      [first, second],
    );
  });

  it('stay complete after a stop: finished models have their files, and the stopped one has none', async () => {
    const second = path.join(folder, 'second.safetensors');
    await saveTinyGlow(second, 'mnist');
    const out = path.join(folder, 'stopped');
    const options = {
      batchSizes: [1],
      seed: 1,
      protocol: 'halves',
      limit: 12,
      skip: ['diagonal-fisher-norm'],
      cache: folder,
    } as const;
    for (const when of ['gradient norms', 'scores']) {
      const stop = new AbortController();
      const reason = new Error('enough');
      const progress = (what: string) => {
        if (what.startsWith(`second: ${when}`)) stop.abort(reason);
      };
      await assert.rejects(
        makeTables([model, second], out, { ...options, signal: stop.signal, progress }),
        reason,
      );
      assert.deepEqual(
        readdirSync(out).filter((file) => file.endsWith('.json')),
        ['glow-fashion_mnist.json'],
      );
    }
    const { summary, notTried } = await makeTables([second], out, options);
    assert.deepEqual(notTried, []);
    assert.deepEqual(summary?.families[0]?.models, ['tiny', 'second']);
    assert.ok(existsSync(summaryFile(out)));
  });
});

describe('model cards', () => {
  it('are measured only if they are missing or of other weights', async () => {
    const cards = shippedCards();
    const loaded = loadModel(model);
    disposeModel(loaded.model);
    const [card] = cards as [(typeof cards)[0]];
    const known = { ...card, model: loaded.name, checksum: loaded.checksum };
    assert.deepEqual(await modelCards([model], 1, { known: [known] }), [known]);
    const [measured] = await modelCards([model], 1, { known: [{ ...known, checksum: 'others' }] });
    assert.deepEqual(
      [measured?.model, measured?.steps, measured?.checksum],
      [loaded.name, 1, loaded.checksum],
    );
  });
});
