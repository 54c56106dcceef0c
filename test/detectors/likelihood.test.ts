import assert from 'node:assert/strict';
import { likelihood } from '../../src/detectors/likelihood';
import { typicality } from '../../src/detectors/typicality';
import { statistics, tableOf } from './tables';

describe('the likelihood and typicality detectors', () => {
  const fit = statistics({ 'log-likelihood': [-10, -12, -14] });
  const given = statistics({ 'log-likelihood': [-12, -2, -30] });

  it('scores minus the log-likelihood', () => {
    assert.deepEqual([...likelihood().fit(fit).score(given)], [12, 2, 30]);
  });

  it('scores the distance from the mean of the fit set, on either side', () => {
    assert.deepEqual([...typicality().fit(fit).score(given)], [0, 10, 18]);
  });

  it('says what is wrong with a table', () => {
    const empty = statistics({ 'log-likelihood': [] });
    assert.throws(() => typicality().fit(empty), /cannot learn from 0 batches/);
    assert.throws(
      () =>
        likelihood()
          .fit(fit)
          .score(tableOf([[1]])),
      /no feature 'log-likelihood'/,
    );
    const bad = statistics({ 'log-likelihood': [Number.NaN] });
    assert.throws(() => typicality().fit(fit).score(bad), /'log-likelihood' is NaN in batch 0/);
    assert.throws(() => typicality().fit(tableOf([[1, 2]], 'log-likelihood')), /has 2 columns/);
  });
});
