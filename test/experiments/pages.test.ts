import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { startBackend } from '../../src/backend/start';
import { readFirstResults } from '../../src/experiments/first-experiment';
import { shippedCards } from '../../src/experiments/model-cards';
import {
  filledIn,
  MODELS_README,
  modelsParts,
  README,
  readmeParts,
  SCALE_PAGE,
} from '../../src/experiments/pages';
import { scaleParts, shippedScale } from '../../src/experiments/scale-results';
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
