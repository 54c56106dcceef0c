import assert from 'node:assert/strict';
import type { FeatureTable } from '../../src/detectors/table';
import { auroc } from '../../src/evaluation/metrics';
import { CHOSEN, METHODS, PIXELS, scoredInTurn } from '../../src/experiments/beyond-pixels';
import { normalAt } from '../../src/numerics/random';

const ROWS = 200;

/**
 * Norms of eight layers, half of them a function of two pixel statistics; `seen` moves the
 * statistics and all that follows them, `unseen` the other layers alone.
 */
function table(seed: number, seen: number, unseen: number): FeatureTable {
  const draw = (k: number) => Array.from({ length: ROWS }, (_, i) => normalAt(50 * seed + k, i));
  const pixels = [0, 1].map((k) => draw(k).map((x) => x + seen));
  const logs = Array.from({ length: 8 }, (_, j) =>
    draw(10 + j).map((x, i) => (j < 4 ? (pixels[j % 2]?.[i] as number) + 0.2 * x : x + unseen)),
  );
  const column = (feature: string, layer: string, values: readonly number[]) => ({
    feature,
    layer,
    values: Float64Array.from(values),
  });
  return {
    rows: ROWS,
    batchSize: 1,
    columns: [
      { feature: 'log-likelihood', values: Float64Array.from(draw(30)) },
      ...logs.map((values, j) => column('squared-norm', `layer.${j}`, values.map(Math.exp))),
      ...logs.map((values, j) => column('mean-log-norm', `layer.${j}`, values)),
      ...pixels.map((values, j) => column('pixel-statistic', `${j}`, values)),
    ],
  };
}

describe('the study beyond pixel statistics', () => {
  const { pairs, explained } = scoredInTurn(table(1, 0, 0), [table(2, 2, 0), table(3, 0, 2)]);
  const of = (name: string, pair: number, turn: 0 | 1 = 0) => {
    const m = METHODS.findIndex((method) => method.name === name);
    const scores = pairs[pair]?.[m]?.[turn];
    assert.ok(scores !== undefined);
    return auroc(scores.in, scores.out);
  };

  it('scores each half with a detector fitted on the other half, and all of every other set', () => {
    const turns = pairs[0]?.[0];
    assert.deepEqual(
      turns?.map((scores) => [scores.in.length, scores.out.length]),
      [
        [ROWS / 2, ROWS],
        [ROWS / 2, ROWS],
      ],
    );
    assert.notDeepEqual(turns?.[0].in, turns?.[1].in);
  });

  it('distinguishes strange images that pixel statistics detect from those only the model detects', () => {
    const without = `${CHOSEN}, pixel statistics taken out`;
    assert.ok(of(PIXELS, 0) > 0.8 && of(CHOSEN, 0) > 0.8);
    assert.ok(of(PIXELS, 1) < 0.6 && of(CHOSEN, 1) > 0.9);
    assert.ok(
      of(without, 0) < of(CHOSEN, 0) - 0.1 && of(without, 1) > 0.9,
      `${of(without, 0)}, ${of(without, 1)}`,
    );
  });

  it('explains all of the score of the statistics, less of the model’s, and least after they were taken out', () => {
    const share = (name: string) =>
      explained[METHODS.findIndex((method) => method.name === name)] as number;
    const shares = [PIXELS, CHOSEN, `${CHOSEN}, pixel statistics taken out`].map(share);
    assert.ok((shares[0] as number) > 0.7, `${shares}`);
    assert.ok((shares[0] as number) > (shares[1] as number), `${shares}`);
    assert.ok((shares[1] as number) > (shares[2] as number), `${shares}`);
  });
});
