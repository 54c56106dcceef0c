import assert from 'node:assert/strict';
import fc from 'fast-check';
import { chiSquare } from '../../src/detectors/chi-square';
import { combine, log, raw } from '../../src/detectors/combine';
import { COMBINERS, combiner } from '../../src/detectors/index';
import { isolationForest, meanDepth } from '../../src/detectors/isolation-forest';
import { kernelLogDensity } from '../../src/detectors/kernel-density';
import { nearestNeighbours } from '../../src/detectors/nearest-neighbours';
import { logStudentT } from '../../src/detectors/student-t';
import type { FeatureTable } from '../../src/detectors/table';
import { deriveSeed, normalAt } from '../../src/numerics/random';
import { logNormalTable, tableOf } from './tables';

/** Whole columns with the sizes that chi-square asks for. */
const sized = (table: FeatureTable): FeatureTable => ({
  ...table,
  columns: table.columns.map((column) => ({ ...column, size: 20 })),
});
const rowsOf = (table: FeatureTable) =>
  Array.from({ length: table.rows }, (_, i) =>
    table.columns.map((column) => column.values[i] as number),
  );

for (const name of Object.keys(COMBINERS)) {
  describe(`the combiner '${name}'`, () => {
    const detector = () => combine([log('squared-norm')], combiner(name, 1));
    const usual = logNormalTable(1, 60, 4);

    it('gives a finite score to every row, extreme ones included, the same each time', () => {
      const fit = sized(usual);
      const given = sized(
        tableOf([
          ...rowsOf(logNormalTable(2, 20, 4)),
          [1e30, 1e-30, 1, 1],
          [0, 0, 0, 0],
          [1e300, 1, 1, 1],
        ]),
      );
      const scores = detector().fit(fit).score(given);
      assert.equal(scores.length, 23);
      scores.forEach((score, i) => {
        // A chi-square density has a tail of exp(−u/2): at u = 10³⁰⁰ its logarithm is still a
        // number.
        assert.ok(Number.isFinite(score), `row ${i}: ${score}`);
      });
      assert.deepEqual(detector().fit(fit).score(given), scores);
      // Scores are of rows: neither their order nor their company matters.
      const backwards = detector()
        .fit(fit)
        .score(sized(tableOf(rowsOf(given).reverse())));
      assert.deepEqual(backwards.reverse(), scores);
    });

    it('does not change the table', () => {
      const fit = sized(logNormalTable(1, 60, 4));
      const fitted = detector().fit(fit);
      fitted.score(fit);
      assert.deepEqual(fit, sized(usual));
    });

    it('drops constant columns', () => {
      const constant = {
        feature: 'squared-norm',
        layer: 'constant',
        size: 3,
        values: new Float64Array(60).fill(7),
      };
      const withConstant = { ...sized(usual), columns: [constant, ...sized(usual).columns] };
      assert.deepEqual(
        detector().fit(withConstant).score(withConstant),
        detector().fit(sized(usual)).score(sized(usual)),
      );
    });

    it('works with collinear columns and with fewer rows than columns, or says why not', () => {
      const [first, ...others] = sized(usual).columns;
      const twice = {
        ...sized(usual),
        columns: [first, first, ...others].flatMap((column) => (column ? [column] : [])),
      };
      const wide = sized(logNormalTable(3, 6, 40));
      const narrowest = sized(logNormalTable(4, 2, 3));
      for (const table of [twice, wide, narrowest]) {
        try {
          const scores = detector().fit(table).score(table);
          assert.ok(scores.every(Number.isFinite));
        } catch (error) {
          assert.match(
            (error as Error).message,
            /is not positive definite at row \d+; give more batches|no neighbour number 5 among 2 batches|nothing is left of the 2 batches/,
          );
          assert.equal(table, narrowest);
        }
      }
    });

    it('refuses infinite values', () => {
      const infinite = sized(tableOf([[1], [Infinity], [2]]));
      assert.throws(() => detector().fit(infinite), /is Infinity in batch 1/);
    });
  });
}

describe('kernel density', () => {
  const values = Float64Array.from({ length: 40 }, (_, i) => normalAt(1, i) ** 3);

  it('is the sum over all kernels, within 10⁻⁴ nats, near and far', () => {
    const spread = Math.sqrt(
      values.reduce((sum, v) => sum + (v - values.reduce((a, b) => a + b) / 40) ** 2, 0) / 39,
    );
    const h = spread * 40 ** -0.2;
    const logDensity = kernelLogDensity(values);
    for (let y = -6 * spread; y < 6 * spread; y += 0.013) {
      const direct =
        values.reduce((sum, v) => sum + Math.exp(-0.5 * ((y - v) / h) ** 2), 0) /
        (40 * h * Math.sqrt(2 * Math.PI));
      if (direct > 1e-290)
        assert.ok(
          Math.abs(logDensity(y) - Math.log(direct)) < 1e-4,
          `${y}: ${logDensity(y)}, ${Math.log(direct)}`,
        );
    }
    // Far out only the nearest kernel is left.
    const nearest = Math.max(...values);
    const far = nearest + 1e4 * h;
    assert.ok(
      Math.abs(logDensity(far) / (-0.5e8 - Math.log(40 * h * Math.sqrt(2 * Math.PI))) - 1) < 1e-12,
    );
  });

  it('integrates to one', () => {
    const logDensity = kernelLogDensity(values);
    let sum = 0;
    for (let y = -60; y < 60; y += 0.01) sum += 0.01 * Math.exp(logDensity(y));
    assert.ok(Math.abs(sum - 1) < 1e-5, `${sum}`);
  });
});

describe("Student's t density", () => {
  it('is Cauchy for one degree of freedom and nearly normal for very many', () => {
    const cauchy = -Math.log(Math.PI * 2 * (1 + ((3 - 1) / 2) ** 2));
    assert.ok(Math.abs(logStudentT({ nu: 1, mu: 1, sigma: 2 }, 3) - cauchy) < 1e-13);
    const normal = -0.5 * 0.7 ** 2 - 0.5 * Math.log(2 * Math.PI);
    assert.ok(Math.abs(logStudentT({ nu: 1e7, mu: 0, sigma: 1 }, 0.7) - normal) < 1e-6);
  });
});

describe('nearest neighbours', () => {
  it('are those found by sorting all distances', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 70 }),
        (seed, k, d) => {
          const fit = logNormalTable(seed, 12, d);
          const given = logNormalTable(deriveSeed(seed, 1), 5, d);
          const scores = combine([raw('squared-norm')], nearestNeighbours(k))
            .fit(fit)
            .score(given);
          scores.forEach((score, i) => {
            const distances = Array.from({ length: 12 }, (_, r) =>
              Math.hypot(
                ...fit.columns.map(({ values }, j) => {
                  const centre = values.reduce((a, b) => a + b) / 12;
                  const spread = Math.sqrt(values.reduce((a, b) => a + (b - centre) ** 2, 0) / 11);
                  return ((values[r] as number) - (given.columns[j]?.values[i] as number)) / spread;
                }),
              ),
            );
            const expected = distances.sort((a, b) => a - b)[k - 1] as number;
            assert.ok(
              Math.abs(score - expected) < 1e-9 * Math.max(1, expected),
              `${score} instead of ${expected}`,
            );
          });
        },
      ),
      { seed: 1, numRuns: 60 },
    );
  });

  it('cannot be more than there are points', () => {
    assert.throws(
      () => combine([log('squared-norm')], nearestNeighbours(7)).fit(logNormalTable(1, 6, 2)),
      /number 7 among 6 batches/,
    );
  });
});

describe('the isolation forest', () => {
  it('has the depth of random search trees: c(2) = 1, c(3) = 5/3', () => {
    assert.equal(meanDepth(1), 0);
    assert.equal(meanDepth(2), 1);
    assert.ok(Math.abs(meanDepth(3) - 5 / 3) < 1e-15);
  });

  it('gives three points on a line the scores that can be computed by hand', () => {
    // Of 0, 0.1 and 1 the last is alone after one cut with probability 0.9, else after two: 1.1
    // cuts on average; 0 and 0.1 need 1.9 and 2.
    const fit = tableOf([[0], [0.1], [1]]);
    const scores = combine([raw('squared-norm')], isolationForest({ seed: 3, trees: 20000 }))
      .fit(fit)
      .score(fit);
    [1.9, 2, 1.1].forEach((cuts, i) => {
      const expected = 2 ** (-cuts / (5 / 3));
      assert.ok(
        Math.abs((scores[i] as number) - expected) < 0.003,
        `${scores[i]} instead of ${expected}`,
      );
    });
  });
});

describe('chi-square', () => {
  it('asks for the sizes of layers if it needs them', () => {
    assert.throws(
      () => chiSquare().fit(logNormalTable(1, 5, 2)),
      /does not say how many parameters/,
    );
  });
});
