import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startBackend } from '../../src/backend/start';
import { beyondParts, shippedBeyondPixels } from '../../src/experiments/beyond-rows';
import { shippedFaults } from '../../src/experiments/fault-table';
import { readFirstResults } from '../../src/experiments/first-experiment';
import { kernelParts, shippedKernel } from '../../src/experiments/kernel-results';
import { shippedCards } from '../../src/experiments/model-cards';
import {
  BEYOND_PAGE,
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
import { RESULTS, readResultsFile } from '../../src/experiments/results-file';
import { MODEL_RESULTS } from '../../src/experiments/results-schemas';
import { scaleParts, shippedScale } from '../../src/experiments/scale-results';
import { shippedSpeed, speedParts } from '../../src/experiments/speed-results';
import { shippedStartUp, startUpParts } from '../../src/experiments/start-up-results';
import { shippedSummary } from '../../src/experiments/summary';
import { disposeModel, loadModel, shippedModels } from '../../src/models/checkpoint';
import { mean } from '../../src/numerics/index';

describe('the README', () => {
  const readme = readFileSync(README, 'utf8');
  const results = readFirstResults();
  const parts = readmeParts(results, shippedSummary());

  it('has exactly the numbers of the stored results', () => {
    assert.equal(readme, filledIn(readme, parts));
    const first = results.rows[0];
    assert.ok(first !== undefined && readme.includes(first.auroc.toFixed(3)));
  });

  it('has the chosen combination on reporting pairs alone, as the results of the models have it', () => {
    const found = ['cifar10', 'celeba', 'tinyimagenet32'].flatMap((own) =>
      readResultsFile(path.join(RESULTS, `glow-${own}.json`), MODEL_RESULTS, 'nothing').rows.filter(
        ({ method, batchSize }) => method.startsWith('strangest of') && batchSize === 1,
      ),
    );
    assert.equal(found.length, 12);
    const expected = mean(found.map(({ auroc }) => auroc.value)).toFixed(3);
    assert.match(readme, new RegExp(`\\| glow \\| colour .*\\| ${expected} \\(12\\) \\|`));
  });

  it('fails the comparison when a number was typed by hand', () => {
    const typed = readme.replace(/\| 0\.\d{3} \[/, '| 0.999 [');
    assert.notEqual(typed, readme);
    assert.equal(filledIn(typed, parts), readme);
  });

  it('without its marks, and missing results, are reported by name', () => {
    assert.throws(() => filledIn('# no marks', parts), /the page lacks '<!-- results -->'/);
    assert.throws(
      () => readFirstResults('/nowhere/results.json'),
      /no results in .*run npm start first/,
    );
  });
});

describe('the page about the environment', () => {
  it('has exactly the results of the fault campaign', () => {
    const [page, campaign] = [readFileSync(ENVIRONMENT, 'utf8'), shippedFaults()];
    assert.equal(page, filledIn(page, environmentParts(campaign)));
    for (const { what, tried, survived } of campaign.faults)
      assert.ok(page.includes(`| ${what} | ${tried} | ${survived} |`));
  });
});

describe('the tables of the kernel in the page about the environment', () => {
  it('hold what was kept, and no more', () => {
    const page = readFileSync(ENVIRONMENT, 'utf8');
    assert.equal(page, filledIn(page, kernelParts(shippedKernel())));
  });

  it('show times beside those of tslab and Node, and memory before and after', () => {
    const { kernel = '' } = kernelParts({
      machine: { processor: 'slow', cores: 2, node: '20.20.0', load: 0.12 },
      starts: 5,
      figures: [{ what: 'a start', ms: 402, tslab: 4020, node: 201, goal: '≤ 1.2 s' }],
      memory: [
        { runs: [51, 100], tensors: 393, scopes: 0, heap_mb: 35, process_mb: 612 },
        { runs: [451, 500], tensors: 394, scopes: 1, heap_mb: 36, process_mb: 613 },
      ],
    });
    assert.match(kernel, /Medians of 5, on 2 cores \(slow\), Node 20.20.0, with a load of 0.1/);
    assert.match(kernel, /\| a start \| 402 \| 4020 \| 10.0 \| 201 \| 2.00 \| ≤ 1.2 s \|/);
    assert.match(kernel, /51 to 100 \| 393 \| 0 \| 35 \| 612 \|\n\| 451 to 500 \| 394 \| 1 \| 36/);
  });
});

describe('the page about the shipped models', () => {
  const cards = shippedCards();
  before(startBackend);

  it('holds the measured numbers and no others', () => {
    const page = readFileSync(MODELS_README, 'utf8');
    assert.equal(page, filledIn(page, modelsParts(cards)));
  });

  it('lists every shipped model in its current state', () => {
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
  it('has exactly the stored times next to PyTorch’s', () => {
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

describe('the page about pixel statistics', () => {
  const study = shippedBeyondPixels();

  it('holds the study’s numbers and no others', () => {
    const page = readFileSync(BEYOND_PAGE, 'utf8');
    assert.equal(page, filledIn(page, beyondParts(study)));
  });

  it('has as its means those of each model’s pairs, then of the models', () => {
    for (const { family, view, kind, batchSize, method, auroc, abovePixels } of study.means) {
      const own = study.rows.filter(
        (row) =>
          row.family === family &&
          row.view === view &&
          row.kind === kind &&
          row.batchSize === batchSize &&
          row.method === method &&
          row.out !== 'unaltered',
      );
      const models = [...new Set(own.map(({ model }) => model))];
      const mean = (values: readonly number[]) =>
        values.reduce((sum, value) => sum + value, 0) / values.length;
      for (const [kept, of] of [
        [auroc, (row: (typeof own)[number]) => row.auroc.value],
        [abovePixels, (row: (typeof own)[number]) => row.abovePixels.value],
      ] as const) {
        const expected = mean(
          models.map((model) => mean(own.filter((row) => row.model === model).map(of))),
        );
        // Each number in the file has four places.
        assert.ok(Math.abs(kept.value - expected) < 1.5e-4, `${family} ${kind} ${method}`);
        assert.ok(kept.low <= kept.value && kept.value <= kept.high);
      }
    }
  });
});

describe('the page about size', () => {
  it('holds the measured numbers and no others', () => {
    const page = readFileSync(SCALE_PAGE, 'utf8');
    assert.equal(page, filledIn(page, scaleParts(shippedScale())));
  });

  it('calculates hours and bytes as one does by hand', () => {
    const cost = { model: 'toy', parameters: 1e6, tensors: 100, cpu_ms_per_image: 36, peak_mb: 1 };
    const models = [{ ...cost, operations_per_image: 67e12 * 0.3 * 36e-6 }];
    const { calculated } = scaleParts({ models });
    // 10⁸ images of 36 ms are 3.6·10⁶ s, 1,000 hours; of 36 µs, on the card, 1 hour;
    // of 400 bytes 40 GB.
    assert.match(calculated ?? '', /toy \| 10⁶ \| 100 \| 724 \| 36 \| 1,000 \| 1 \| 40 GB/);
    assert.match(calculated ?? '', /of the same kind \| 10¹⁰ .* \| 10,000,000 \| 10,000 \| 40 GB/);
  });
});
