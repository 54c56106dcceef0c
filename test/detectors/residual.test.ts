import assert from 'node:assert/strict';
import { combine, raw } from '../../src/detectors/combine';
import { independentNormals } from '../../src/detectors/layerwise';
import { residualOf } from '../../src/detectors/residual';
import type { FeatureTable } from '../../src/detectors/table';
import { auroc } from '../../src/evaluation/metrics';
import { normalAt } from '../../src/numerics/random';
import { statistics } from './tables';

const N = 400;
/** `seen` follows t and its square; `own` is of another origin and moved by `shift`. */
const table = (seed: number, moved: number, shift: number): FeatureTable => {
  const draw = (k: number) => Array.from({ length: N }, (_, i) => normalAt(100 * seed + k, i));
  const t = draw(1).map((x) => x + moved);
  const noise = draw(2);
  return statistics({
    t,
    constant: t.map(() => 3),
    seen: t.map((x, i) => 2 + x - 0.5 * x * x + 0.1 * (noise[i] as number)),
    own: draw(3).map((x, i) => x + shift + 0.5 * (t[i] as number)),
  });
};
const plain = () => combine([raw('seen'), raw('own')], independentNormals());
const quality = (detector: ReturnType<typeof plain>, strangers: FeatureTable) => {
  const fitted = detector.fit(table(1, 0, 0));
  return auroc(fitted.score(table(2, 0, 0)), fitted.score(strangers));
};

describe('a detector without what other columns explain', () => {
  const without = residualOf(plain(), ['seen', 'own'], 't');

  it('no longer finds what only these columns show, and still finds the rest', () => {
    const [explained, unexplained] = [table(3, 2.5, 0), table(4, 0, 3)];
    assert.ok(quality(plain(), explained) > 0.6);
    // Three standard errors of an AUROC of two samples of 400 at chance.
    assert.ok(
      Math.abs(quality(without, explained) - 0.5) < 0.065,
      `${quality(without, explained)}`,
    );
    assert.ok(quality(without, unexplained) > quality(plain(), unexplained));
  });

  it('leaves out columns that do not vary, and has a name that says what was taken out', () => {
    assert.equal(without.name, `${plain().name} without t`);
    assert.throws(
      () => residualOf(plain(), ['seen'], 'missing').fit(table(1, 0, 0)),
      /the table has no feature 'missing'/,
    );
  });
});
