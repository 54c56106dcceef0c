import assert from 'node:assert/strict';
import { speedParts } from '../../src/experiments/speed-results';

describe('times next to PyTorch’s', () => {
  it('are ratios to PyTorch pair by pair, for its best chunk, with a dash for missing methods', () => {
    const machine = { processor: 'P', cores: 2, node: '20', torch: '2.14' };
    const row = { family: 'vae', preset: 'small', machine };
    const { speed = '' } = speedParts([
      {
        ...row,
        kind: 'features',
        pairs: [
          { ms_per_image: 2, share: 0.25, there: { loop: 20, sum: 3, 'vmap-4': 8, 'vmap-8': 6 } },
          { ms_per_image: 1, share: 0.5, there: { loop: 12, sum: 3, 'vmap-4': 5, 'vmap-8': 7 } },
        ],
      },
      { ...row, kind: 'training', pairs: [{ ms_per_image: 2, share: 0.1, there: { sum: 3 } }] },
    ]);
    assert.deepEqual(speed.split('\n').slice(2), [
      '| vae | small | features | 1 to 2 | 25 to 50 | 10 to 12 | 3 to 5 | 1.5 to 3 | 2, torch 2.14, 2 cores of P |',
      '| vae | small | training | 2 | 10 | – | – | 1.5 | 1, torch 2.14, 2 cores of P |',
    ]);
  });
});
