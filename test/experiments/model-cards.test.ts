import assert from 'node:assert/strict';
import { shippedCards } from '../../src/experiments/model-cards';
import { shippedHeader, shippedModels } from '../../src/models/checkpoint';
import { familyOf } from '../../src/models/families';

describe('the cards of the shipped models', () => {
  it('exist for all of them, with the family’s number from the literature for their set', () => {
    assert.deepEqual(
      shippedCards().map(({ model }) => model),
      shippedModels(),
    );
    const known = shippedCards().filter(({ literature }) => literature !== null);
    assert.equal(known.length, 5);
    for (const { model, literature } of known) {
      const { config, data } = shippedHeader(model);
      assert.equal(literature, familyOf(config.family).literature?.[data.name], model);
    }
  });
});
