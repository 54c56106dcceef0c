import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { startBackend } from '../../src/backend/start';
import { shippedFaults } from '../../src/experiments/fault-table';
import { readFirstResults } from '../../src/experiments/first-experiment';
import { shippedCards } from '../../src/experiments/model-cards';
import {
  ENVIRONMENT,
  environmentParts,
  filledIn,
  MODELS_README,
  modelsParts,
  README,
  readmeParts,
} from '../../src/experiments/pages';
import { shippedSummary } from '../../src/experiments/summary';
import { disposeModel, loadModel, shippedModels } from '../../src/models/checkpoint';

describe('the README', () => {
  const readme = readFileSync(README, 'utf8');
  const results = readFirstResults();
  const parts = readmeParts(results, shippedSummary());

  it('holds the numbers of the kept results and no others', () => {
    assert.equal(readme, filledIn(readme, parts));
    const first = results.rows[0];
    assert.ok(first !== undefined && readme.includes(first.auroc.toFixed(3)));
  });

  it('is found out when a number was typed by hand', () => {
    const typed = readme.replace(/\| 0\.\d{3} \[/, '| 0.999 [');
    assert.notEqual(typed, readme);
    assert.equal(filledIn(typed, parts), readme);
  });

  it('that lost its marks, and results that are not there, are named', () => {
    assert.throws(() => filledIn('# no marks', parts), /the page lacks '<!-- results -->'/);
    assert.throws(
      () => readFirstResults('/nowhere/results.json'),
      /no results in .*run npm start first/,
    );
  });
});

describe('the page about the environment', () => {
  it('holds what the campaign of faults found, and no more', () => {
    const [page, campaign] = [readFileSync(ENVIRONMENT, 'utf8'), shippedFaults()];
    assert.equal(page, filledIn(page, environmentParts(campaign)));
    for (const { what, tried, survived } of campaign.faults)
      assert.ok(page.includes(`| ${what} | ${tried} | ${survived} |`));
  });
});

describe('the page about the shipped models', () => {
  const cards = shippedCards();
  before(startBackend);

  it('holds the measured numbers and no others', () => {
    const page = readFileSync(MODELS_README, 'utf8');
    assert.equal(page, filledIn(page, modelsParts(cards)));
  });

  it('tells of every shipped model, as it is now', () => {
    assert.deepEqual(
      cards.map(({ model }) => model),
      shippedModels(),
    );
    for (const { model, checksum } of cards) {
      const loaded = loadModel(model);
      disposeModel(loaded.model);
      assert.equal(checksum, loaded.checksum, model);
    }
  });
});
