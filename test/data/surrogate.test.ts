import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { dataset, type Images, picked, scrambledPhases, surrogates } from '../../src/data/index';

/** The transform of one channel of image k by its definition, in float64. */
function spectrum({ images, shape }: Images, k: number, channel: number) {
  const [side, , channels] = shape;
  const value = (y: number, x: number) =>
    images[((k * side + y) * side + x) * channels + channel] as number;
  const frequencies = [1, 2, 3, 5, 8].flatMap((u) => [0, 1, 4, 9].map((v) => [u, v] as const));
  return frequencies.map(([u, v]) => {
    let [real, imaginary] = [0, 0];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const angle = (-2 * Math.PI * (u * y + v * x)) / side;
        real += value(y, x) * Math.cos(angle);
        imaginary += value(y, x) * Math.sin(angle);
      }
    }
    return { length: Math.hypot(real, imaginary), phase: Math.atan2(imaginary, real) };
  });
}
const histogram = ({ images, shape }: Images, k: number, channel: number) => {
  const [height, width, channels] = shape;
  const size = height * width * channels;
  return [...images.subarray(k * size, (k + 1) * size)]
    .filter((_, i) => i % channels === channel)
    .sort((a, b) => a - b);
};
const total = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);
/** Σ |a − b| / Σ a of amplitudes. */
const distance = (a: ReturnType<typeof spectrum>, b: ReturnType<typeof spectrum>) =>
  total(a.map(({ length }, i) => Math.abs(length - (b[i]?.length as number)))) /
  total(a.map(({ length }) => length));
/** Mean cosine of the differences of phases: 1 if all are the same, 0 if they have no relation. */
const agreement = (a: ReturnType<typeof spectrum>, b: ReturnType<typeof spectrum>) =>
  total(a.map(({ phase }, i) => Math.cos(phase - (b[i]?.phase as number)))) / a.length;

describe('surrogates', () => {
  let familiar: Images;
  let others: Images;
  before(async () => {
    await startBackend();
    const cifar = await dataset('cifar10', 'test', { limit: 24 });
    familiar = picked(
      cifar,
      Array.from({ length: 12 }, (_, k) => k),
    );
    others = picked(
      cifar,
      Array.from({ length: 12 }, (_, k) => 12 + k),
    );
  });

  it('have exactly the histogram and nearly the spectrum of one image, and the phases of the other', () => {
    const tensors = tf.memory().numTensors;
    const made = surrogates(others, familiar);
    assert.equal(tf.memory().numTensors, tensors);
    assert.equal(made.count, 12);
    const figures = Array.from({ length: 12 }, (_, k) => {
      for (const channel of [0, 1, 2])
        assert.deepEqual(histogram(made, k, channel), histogram(familiar, k, channel));
      const [mine, like, phases] = [made, familiar, others].map((set) => spectrum(set, k, 1));
      assert.ok(mine && like && phases);
      return [
        distance(like, mine),
        distance(like, phases),
        agreement(mine, phases),
        agreement(mine, like),
      ];
    });
    const means = [0, 1, 2, 3].map((f) => total(figures.map((figure) => figure[f] as number)) / 12);
    const [off, unmatched, kept, foreign] = means as [number, number, number, number];
    // Amplitudes of two photographs differ by more than half; of a surrogate by less than a tenth.
    assert.ok(unmatched > 0.5 && off < 0.1, `${off} of ${unmatched}`);
    // The histogram's steps move phases a little; without any relation the mean of 240 cosines is
    // 0 ± 0.05.
    assert.ok(kept > 0.6 && Math.abs(foreign) < 0.2, `${kept}, ${foreign}`);
  });

  it('with phases of noise lose the phases of the image, equally in all channels, depending only on the seed', () => {
    const made = scrambledPhases(familiar, 5);
    assert.deepEqual(scrambledPhases(familiar, 5).images, made.images);
    assert.notDeepEqual(scrambledPhases(familiar, 6).images, made.images);
    const [lost, together] = [0, 1].map(
      (which) =>
        total(
          Array.from({ length: 12 }, (_, k) => {
            const [red, green] = [spectrum(made, k, 0), spectrum(made, k, 1)];
            if (which === 0) return agreement(green, spectrum(familiar, k, 1));
            return agreement(red, green);
          }),
        ) / 12,
    ) as [number, number];
    assert.ok(Math.abs(lost) < 0.15, `${lost}`);
    assert.ok(together > 0.6, `${together}`);
    assert.deepEqual(histogram(made, 3, 2), histogram(familiar, 3, 2));
  });

  it('are refused for sets that do not match', () => {
    assert.throws(
      () => surrogates(picked(others, [0]), familiar),
      /1 images of 32x32x3 cannot take the spectra of 12/,
    );
  });
});
