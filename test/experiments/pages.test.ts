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
  SCALE_PAGE,
  START_UP_PAGE,
} from '../../src/experiments/pages';
import { scaleParts, shippedScale } from '../../src/experiments/scale-results';
import { shippedSpeed, speedParts } from '../../src/experiments/speed-results';
import { shippedStartUp, startUpParts } from '../../src/experiments/start-up-results';
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

describe('the table of times in the page about the environment', () => {
  it('holds the kept times beside PyTorch’s and no others', () => {
    const page = readFileSync(ENVIRONMENT, 'utf8');
    assert.equal(page, filledIn(page, speedParts(shippedSpeed())));
  });
});

describe('the page about starting', () => {
  it('holds the measured times and no others, a backend beside the other', () => {
    const page = readFileSync(START_UP_PAGE, 'utf8');
    assert.equal(page, filledIn(page, startUpParts(shippedStartUp())));
    const taken = { wall: { least: 1, median: 2.4, largest: 3, runs: 3 } };
    const of = (backend: string, step: string, median: number) => ({
      ...{ backend, step, ...taken },
      cpu: { ...taken.wall, median },
    });
    const { steps } = startUpParts({
      machine: { processor: 'a', cores: 2, node: '1' },
      steps: [of('x', 'one', 5), of('x', 'two', 6), of('y', 'two', 7)],
      commands: [],
    });
    assert.match(steps ?? '', /\| one \| 2 \(1 to 3\) \| 5 \(1 to 3\) \| – \| – \|/);
    assert.match(steps ?? '', /\| two \| 2 .* \| 6 \(1 to 3\) \| 2 .* \| 7 \(1 to 3\) \|/);
  });
});

describe('the page about size', () => {
  it('holds the measured numbers and no others', () => {
    const page = readFileSync(SCALE_PAGE, 'utf8');
    assert.equal(page, filledIn(page, scaleParts(shippedScale())));
  });

  it('reckons hours and bytes as one does by hand', () => {
    const cost = { model: 'toy', parameters: 1e6, tensors: 100, cpu_ms_per_image: 36, peak_mb: 1 };
    const models = [{ ...cost, operations_per_image: 67e12 * 0.3 * 36e-6 }];
    const { reckoned } = scaleParts({ models });
    // 10⁸ images of 36 ms are 3.6·10⁶ s, 1,000 hours; of 36 µs, on the card, 1 hour;
    // of 400 bytes 40 GB.
    assert.match(reckoned ?? '', /toy \| 10⁶ \| 100 \| 724 \| 36 \| 1,000 \| 1 \| 40 GB/);
    assert.match(reckoned ?? '', /of its kind \| 10¹⁰ .* \| 10,000,000 \| 10,000 \| 40 GB/);
  });
});
