import assert from 'node:assert/strict';
import type { RoundResult } from '../../src/experiments/rounds';
import { singleRows } from '../../src/experiments/single-rows';

const row = (
  model: string,
  batchSize: number,
  auroc: number,
  paper: number,
  candidate = 'mine',
) => ({
  candidate,
  model,
  batchSize,
  auroc,
  paper,
  value: auroc - paper,
});

describe('rows of the round of the single detector', () => {
  it('are means over the pairs of a family, reporting pairs apart, and count the pairs it lost', () => {
    const round = {
      development: {
        rows: [row('glow-svhn', 1, 0.9, 0.5), row('glow-svhn', 1, 0.1, 0.1, 'other')],
      },
      reporting: {
        candidate: 'mine',
        rows: [
          row('glow-celeba', 1, 0.8, 0.6),
          row('glow-cifar10', 1, 0.6, 0.7),
          row('vae-celeba', 1, 0.6, 0.605),
        ],
      },
    } as unknown as RoundResult;
    const found = singleRows(round).map(({ family, pairs, count, paper, auroc, lower }) => [
      family,
      pairs,
      count,
      paper.toFixed(3),
      auroc.toFixed(3),
      lower,
    ]);
    assert.deepEqual(found, [
      ['glow', 'reporting', 2, '0.650', '0.700', 1],
      ['vae', 'reporting', 1, '0.605', '0.600', 0],
      ['glow', 'choosing', 1, '0.500', '0.900', 0],
    ]);
  });
});
