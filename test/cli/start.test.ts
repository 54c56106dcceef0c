import assert from 'node:assert/strict';
import { wideRows } from '../../src/cli/start';
import type { ResultRow } from '../../src/evaluation/protocol';
import { FIRST_EXPERIMENT, imageLimit } from '../../src/experiments/first-experiment';

const row = (out: string, batchSize: number, method: string, value: number): ResultRow => {
  const estimate = { value, low: value - 0.01, high: value + 0.01 };
  return {
    model: 'glow',
    in: 'a',
    out,
    batchSize,
    method,
    auroc: estimate,
    aupr: estimate,
    fpr95: estimate,
    inCount: 5,
    outCount: 9,
  };
};

describe('the table of npm start', () => {
  it('has a line for each pair and batch size and a column for each method, with intervals', () => {
    assert.deepEqual(
      wideRows([
        row('b', 1, 'likelihood', 0.1),
        row('b', 1, 'typicality', 0.75),
        row('b', 5, 'likelihood', 0.2),
        row('c', 1, 'likelihood', 0.3),
      ]),
      [
        {
          model: 'glow',
          in: 'a',
          out: 'b',
          B: 1,
          likelihood: '0.100 [0.090, 0.110]',
          typicality: '0.750 [0.740, 0.760]',
        },
        { model: 'glow', in: 'a', out: 'b', B: 5, likelihood: '0.200 [0.190, 0.210]' },
        { model: 'glow', in: 'a', out: 'c', B: 1, likelihood: '0.300 [0.290, 0.310]' },
      ],
    );
  });

  it('uses few images if FISHERLAB_QUICK is set, otherwise all', () => {
    const before = process.env.FISHERLAB_QUICK;
    try {
      process.env.FISHERLAB_QUICK = '1';
      assert.equal(imageLimit(), FIRST_EXPERIMENT.quickImages);
      delete process.env.FISHERLAB_QUICK;
      assert.equal(imageLimit(), undefined);
    } finally {
      if (before !== undefined) process.env.FISHERLAB_QUICK = before;
    }
  });
});
