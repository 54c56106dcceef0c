import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { filledIn, KEPT_RESULTS, README, readResults } from '../../src/cli/readme';
import { shippedSummary } from '../../src/evaluation/summary';

describe('the README', () => {
  const readme = readFileSync(README, 'utf8');
  const results = readResults(KEPT_RESULTS);
  const summary = shippedSummary();

  it('holds the numbers of the kept results and no others', () => {
    assert.equal(readme, filledIn(readme, results, summary));
    const first = results.rows[0];
    assert.ok(first !== undefined && readme.includes(first.auroc.toFixed(3)));
  });

  it('is found out when a number was typed by hand', () => {
    const typed = readme.replace(/\| 0\.\d{3} \[/, '| 0.999 [');
    assert.notEqual(typed, readme);
    assert.equal(filledIn(typed, results, summary), readme);
  });

  it('that lost its marks, and results that are not there, are named', () => {
    assert.throws(() => filledIn('# no marks', results, summary), /README\.md lacks/);
    assert.throws(() => readResults('/nowhere/results.json'), /no results in .*run npm start first/);
  });
});
