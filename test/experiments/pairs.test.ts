import assert from 'node:assert/strict';
import {
  assertPurpose,
  DEVELOPMENT_PAIRS,
  familyModels,
  familyPairs,
  type PairSet,
  purposeOf,
  REPORTING_PAIRS,
} from '../../src/experiments/pairs';
import { shippedModels } from '../../src/models/checkpoint';

describe('pairs for choosing and pairs for reporting', () => {
  it('go by the other set for the one grey model, and by the model for colour', () => {
    const choosing = [
      ['fashion_mnist', 'kmnist'],
      ['fashion_mnist', 'omniglot'],
      ['svhn', 'cifar10'],
      ['gtsrb', 'celeba'],
    ] as const;
    const reporting = [
      ['fashion_mnist', 'mnist'],
      ['fashion_mnist', 'emnist_letters'],
      ['cifar10', 'svhn'],
      ['celeba', 'gtsrb'],
      ['tinyimagenet32', 'cifar10'],
    ] as const;
    for (const [inside, outside] of choosing)
      assert.equal(purposeOf(inside, outside), 'choosing', `${inside} → ${outside}`);
    for (const [inside, outside] of reporting)
      assert.equal(purposeOf(inside, outside), 'reporting', `${inside} → ${outside}`);
  });

  it('are two lists without a common pair, each for one purpose', () => {
    const names = (pairs: readonly PairSet<'choosing' | 'reporting'>[]) =>
      pairs.flatMap(({ model, in: inside, out }) =>
        out.map((outside) => `${model} ${inside} ${outside}`),
      );
    const [development, reported] = [names(DEVELOPMENT_PAIRS), names(REPORTING_PAIRS)];
    assert.ok(development.length >= 2 && reported.length >= 2);
    assert.deepEqual(
      development.filter((pair) => reported.includes(pair)),
      [],
    );
    assertPurpose(DEVELOPMENT_PAIRS, 'choosing');
    assertPurpose(REPORTING_PAIRS, 'reporting');
  });

  it('of all families are those of shipped models, by the same rule, none in both lists', () => {
    const [choosing, reporting] = [familyPairs('choosing'), familyPairs('reporting')];
    assertPurpose(choosing, 'choosing');
    assertPurpose(reporting, 'reporting');
    const shipped = shippedModels();
    for (const { model, in: own } of [...choosing, ...reporting]) {
      assert.ok(
        shipped.includes(model) && familyModels().includes(model) && model.endsWith(own),
        model,
      );
    }
    assert.ok(
      choosing.some(({ model }) => model === 'vae-gtsrb') &&
        reporting.some(({ model }) => model === 'glow-cifar10'),
    );
  });

  it('are refused for the other purpose, by name and whatever they call themselves', () => {
    const disguised: PairSet<'choosing'> = {
      purpose: 'choosing',
      model: 'glow-fashion_mnist',
      in: 'fashion_mnist',
      out: ['kmnist', 'mnist'],
    };
    assert.throws(
      () => assertPurpose([disguised], 'choosing'),
      /fashion_mnist → mnist is for reporting, not for choosing/,
    );
    assert.throws(
      () => assertPurpose(DEVELOPMENT_PAIRS, 'reporting'),
      /is for choosing, not for reporting; report on REPORTING_PAIRS/,
    );
  });
});
