import assert from 'node:assert/strict';
import { methodsFor } from '../../src/features/methods';

describe('detectors', () => {
  it('are sorted by whether their columns exist', () => {
    const column = (feature: string) => ({ feature, values: new Float64Array(1) });
    const { methods, without } = methodsFor({
      rows: 1,
      batchSize: 1,
      columns: [column('log-likelihood'), column('squared-norm'), column('complexity-bits')],
    });
    assert.ok(methods.includes('typicality') && methods.includes('input complexity'));
    assert.ok(!methods.includes('DoSE'));
    assert.deepEqual(
      without.find(({ method }) => method === 'DoSE'),
      { method: 'DoSE', lacks: 'log-prior, log-determinant' },
    );
  });
});
