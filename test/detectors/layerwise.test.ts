import assert from 'node:assert/strict';
import { combine, raw } from '../../src/detectors/combine';
import { independentNormals, layerwise } from '../../src/detectors/layerwise';
import { auroc } from '../../src/evaluation/metrics';
import golden from '../golden/detector.json';
import { logNormalTable, tableOf } from './tables';

/** Golden scores are the paper's (higher = in distribution); ours have the other sign. */
function assertMinus(scores: Float64Array, reference: readonly number[]): void {
  assert.equal(scores.length, reference.length);
  scores.forEach((score, i) => {
    const expected = -(reference[i] as number);
    assert.ok(
      Math.abs(score - expected) <= 1e-10 * Math.abs(expected),
      `batch ${i}: ${score} instead of ${expected}`,
    );
  });
}

describe('the layer-wise detector', () => {
  const fitted = layerwise().fit(tableOf(golden.fit));

  it("gives the scores of the paper's code, one constant tensor dropped", () => {
    assert.equal(new Set(golden.fit.map((row) => row[5])).size, 1, 'column 5 is the constant one');
    assertMinus(fitted.score(tableOf(golden.id)), golden.scoreId);
    assertMinus(fitted.score(tableOf(golden.ood)), golden.scoreOod);
  });

  it("gives the AUROC of the paper's code, with higher scores for the other set", () => {
    const value = auroc(fitted.score(tableOf(golden.id)), fitted.score(tableOf(golden.ood)));
    assert.ok(Math.abs(value - golden.auroc) < 1e-12, `${value} instead of ${golden.auroc}`);
  });

  it('is indifferent to the unit of the likelihood: a factor on all features leaves the scores as they are', () => {
    const scaled = (rows: number[][]) =>
      tableOf(rows.map((row) => row.map((value) => value * 1e-7)));
    const scores = layerwise().fit(scaled(golden.fit)).score(scaled(golden.id));
    assertMinus(scores, golden.scoreId);
  });

  it('reads a squared norm of zero as smaller than the smallest float32: more surprising than any float32, and finite', () => {
    const fit = logNormalTable(1, 50, 3);
    const [zero, tiny, usual] = layerwise()
      .fit(fit)
      .score(
        tableOf([
          [0, 1, 1],
          [1e-38, 1, 1],
          [1, 1, 1],
        ]),
      );
    assert.ok(
      Number.isFinite(zero) &&
        (zero as number) > (tiny as number) &&
        (tiny as number) > (usual as number),
    );
  });

  it('drops a tensor that is zero on the fit set, whatever it is later', () => {
    const without = layerwise().fit(tableOf([[1], [2], [4]]));
    const withZero = layerwise().fit(
      tableOf([
        [1, 0],
        [2, 0],
        [4, 0],
      ]),
    );
    assert.deepEqual(withZero.score(tableOf([[3, 7]])), without.score(tableOf([[3]])));
  });

  it('drops a constant whose mean is rounded, so that its computed standard deviation is not zero', () => {
    const rows = Array.from({ length: 10 }, (_, i) => [0.1, i + 1]);
    const alone = rows.map((row) => row.slice(1));
    assert.deepEqual(
      layerwise().fit(tableOf(rows)).score(tableOf(rows)),
      layerwise().fit(tableOf(alone)).score(tableOf(alone)),
    );
  });

  it('names the feature, the layer and the batch of a number that is not finite', () => {
    const bad = (value: number) =>
      tableOf([
        [1, 2],
        [2, value],
        [3, 4],
      ]);
    assert.throws(
      () => layerwise().fit(bad(Number.NaN)),
      /'squared-norm' of layer 'layer\.1' is NaN in batch 1/,
    );
    assert.throws(
      () => fitted.score(tableOf([golden.id[0]?.map(() => Infinity) ?? []])),
      /layer\.0' is Infinity in batch 0/,
    );
    assert.throws(() => layerwise().fit(bad(-1)), /has no logarithm/);
  });

  it('says why it cannot learn from one batch, from constants alone, or score another model', () => {
    assert.throws(() => layerwise().fit(tableOf([[1, 2]])), /cannot learn from 1 batches/);
    assert.throws(() => layerwise().fit(tableOf([[1], [1]])), /all 1 columns are constant/);
    assert.throws(
      () => layerwise('norm').fit(tableOf([[1], [2]])),
      /no feature 'norm'; it has squared-norm/,
    );
    assert.throws(
      () => fitted.score(tableOf([[1, 2]])),
      /learned from 12 columns and is asked about 2/,
    );
    const renamed = tableOf(golden.id);
    const columns = renamed.columns.map((column) => ({
      ...column,
      layer: `other.${column.layer}`,
    }));
    assert.throws(() => fitted.score({ ...renamed, columns }), /'other\.layer\.0'/);
  });
});

describe('combine', () => {
  it('looks at several features on their own scales', () => {
    const a = tableOf([[1], [2], [5]], 'a');
    const b = tableOf([[-1], [3], [4]], 'b');
    const both = { ...a, columns: [...a.columns, ...b.columns] };
    const scores = (feature: string) =>
      combine([raw(feature)], independentNormals())
        .fit(both)
        .score(both);
    const [first, second] = [scores('a'), scores('b')];
    const sum = combine([raw('a'), raw('b')], independentNormals())
      .fit(both)
      .score(both);
    sum.forEach((score, i) => {
      assert.ok(Math.abs(score - (first[i] as number) - (second[i] as number)) < 1e-12);
    });
  });
});
