import assert from 'node:assert/strict';
import { dose, doseSupport } from '../../src/detectors/dose';
import { likelihood } from '../../src/detectors/likelihood';
import {
  inputComplexity,
  likelihoodRatio,
  likelihoodRegret,
} from '../../src/detectors/likelihood-corrections';
import { naiveSum } from '../../src/detectors/naive-sum';
import { pValues } from '../../src/detectors/p-values';
import { scoreStatisticAndTypicality } from '../../src/detectors/score-statistic';
import { auroc } from '../../src/evaluation/metrics';
import { normals } from '../../src/numerics/random';
import { statistics, tableOf } from './tables';

describe('corrected likelihoods', () => {
  const table = statistics({
    'log-likelihood': [-10 * Math.LN2, -3 * Math.LN2],
    'complexity-bits': [4, 5],
    'background-log-likelihood': [-1, -2],
    'likelihood-regret': [0.5, 7],
  });

  it('subtract complexity from the likelihood in the same unit, bits', () => {
    const [first, second] = inputComplexity().fit(table).score(table);
    assert.ok(
      Math.abs((first as number) - 6) < 1e-12 && Math.abs((second as number) + 2) < 1e-12,
      `${first}, ${second}`,
    );
  });

  it('are higher if the background model explains an image better than the model', () => {
    assert.deepEqual(
      [...likelihoodRatio().fit(table).score(table)],
      [10 * Math.LN2 - 1, 3 * Math.LN2 - 2],
    );
    assert.deepEqual([...likelihoodRegret().fit(table).score(table)], [0.5, 7]);
  });

  it('name the column that is missing', () => {
    const bare = statistics({ 'log-likelihood': [1] });
    assert.throws(
      () => inputComplexity().fit(bare).score(bare),
      /no feature 'complexity-bits'; it has log-likelihood/,
    );
    assert.throws(
      () => likelihoodRatio().fit(bare).score(bare),
      /no feature 'background-log-likelihood'/,
    );
  });
});

describe('the naive sum', () => {
  it('is the squared norm of the whole gradient', () => {
    const fit = tableOf([
      [1, 10],
      [2, 30],
    ]);
    assert.deepEqual(
      [
        ...naiveSum()
          .fit(fit)
          .score(tableOf([[5, 6]])),
      ],
      [11],
    );
  });
});

describe('DoSE', () => {
  const list = (seed: number, centre: number) => [...normals(seed, 300)].map((x) => centre + x);
  const made = (seed: number, centre: number) =>
    statistics({ 'log-prior': list(seed, centre), 'log-determinant': list(seed + 1, -centre) });
  const fit = made(1, 0);

  it('sees statistics that cancel in their sum, the log-likelihood', () => {
    // log p(z) 3 higher and log|det J| 3 lower: the likelihood is as before.
    for (const detector of [
      dose(['log-prior', 'log-determinant']),
      doseSupport(['log-prior', 'log-determinant']),
    ]) {
      const fitted = detector.fit(fit);
      const value = auroc(fitted.score(made(3, 0)), fitted.score(made(5, 3)));
      assert.ok(value > 0.95, `${detector.name}: ${value}`);
    }
    const sum = ({ columns }: typeof fit) =>
      statistics({
        'log-likelihood': [...(columns[0]?.values ?? [])].map(
          (v, i) => v + (columns[1]?.values[i] as number),
        ),
      });
    const plain = likelihood().fit(sum(fit));
    const value = auroc(plain.score(sum(made(3, 0))), plain.score(sum(made(5, 3))));
    assert.ok(Math.abs(value - 0.5) < 0.07, `likelihood: ${value}`);
  });

  it('with normal statistics scores nearly as their normal densities do', () => {
    const [score] = dose(['log-prior', 'log-determinant'])
      .fit(fit)
      .score(statistics({ 'log-prior': [1], 'log-determinant': [-1] }));
    const normal = 2 * (0.5 + 0.5 * Math.log(2 * Math.PI));
    assert.ok(Math.abs((score as number) - normal) < 0.2, `${score}, normal ${normal}`);
  });

  it('needs names of statistics', () => {
    assert.throws(() => dose([]), /has no features/);
  });
});

describe('the score statistic with typicality', () => {
  const table = (fisher: number[][], logP: number[]) => ({
    rows: logP.length,
    batchSize: 1,
    columns: [
      ...tableOf(fisher, 'diagonal-fisher-norm').columns,
      ...statistics({ 'log-likelihood': logP }).columns,
    ],
  });
  // Statistics √(a + b): 1, 2, 3, 4; likelihoods −1, 0, 0, 1 with mean 0: typicalities 1, 0, 0, 1.
  const fit = table(
    [
      [0.5, 0.5],
      [3, 1],
      [4, 5],
      [16, 0],
    ],
    [-1, 0, 0, 1],
  );

  it("adds two logarithms of empirical p-values by Fisher's method", () => {
    const fitted = scoreStatisticAndTypicality().fit(fit);
    const scores = fitted.score(
      table(
        [
          [6, 0.25], // √6.25 = 2.5: two of four above
          [1, 0], // 1: three of four above (1 itself is not)
          [100, 0], // above all
        ],
        [0.5, 0, 7], // 0.5: two of four above; 0: two; 7: none
      ),
    );
    const expected = [
      [0.5, 0.5],
      [0.75, 0.5],
      [0, 0],
    ].map(([s, t]) => -2 * (Math.log((s as number) + 1e-8) + Math.log((t as number) + 1e-8)));
    scores.forEach((score, i) => {
      assert.ok(
        Math.abs(score - (expected[i] as number)) < 1e-12,
        `${score} instead of ${expected[i]}`,
      );
    });
  });

  it('names a number that is not finite', () => {
    assert.throws(
      () => scoreStatisticAndTypicality().fit(table([[Number.NaN]], [0])),
      /'diagonal-fisher-norm' of layer 'layer\.0' is NaN/,
    );
  });
});

describe('p-values of scores', () => {
  it('are the share of reference scores at least as high, the score itself counted', () => {
    assert.deepEqual(
      [...pValues(Float64Array.of(3, 1, 2, 2), Float64Array.of(0, 2, 2.5, 9))],
      [1, 0.8, 0.4, 0.2],
    );
  });

  it('are at most α with probability at most α in distribution', () => {
    const p = pValues(Float64Array.from(normals(1, 999)), Float64Array.from(normals(2, 4000)));
    for (const alpha of [0.01, 0.05, 0.5]) {
      const share = p.filter((value) => value <= alpha).length / 4000;
      assert.ok(
        share <
          alpha +
            4 * Math.sqrt((alpha * (1 - alpha)) / 4000) +
            2 * Math.sqrt((alpha * (1 - alpha)) / 999),
        `${alpha}: ${share}`,
      );
      assert.ok(share > alpha * 0.6);
    }
  });

  it('need a reference and numbers', () => {
    assert.throws(() => pValues(new Float64Array(0), Float64Array.of(1)), /no reference scores/);
    assert.throws(() => pValues(Float64Array.of(1), Float64Array.of(Number.NaN)), /score is NaN/);
  });
});
