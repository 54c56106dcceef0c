import assert from 'node:assert/strict';
import { figureLayers } from '../../src/experiments/figure-tables';
import { layerPairFrames, thresholdFrames } from '../../src/experiments/moving-figures';

describe('a threshold that moves', () => {
  const ramp = (from: number) => Array.from({ length: 100 }, (_, i) => from + i);

  it('says which share of either set lies above it, and draws itself there', () => {
    // Familiar 0 … 99, strange 50 … 149. The middle of the familiar ones is 49.5.
    const [frame] = thresholdFrames(
      { name: 'familiar', values: ramp(0) },
      { name: 'strange', values: ramp(50) },
      [0.5],
      { x: 'score', digits: 1 },
    );
    assert.equal(frame?.label, 'threshold 49.5: 100 % of strangers found, 50 % false alarms');
    const drawn = (frame?.figure.layout.shapes ?? []).map(({ x0, x1 }) => [x0, x1]);
    assert.deepEqual(drawn, [[49.5, 49.5]]);
  });

  it('finds fewer strangers and raises fewer false alarms the higher it is', () => {
    const frames = thresholdFrames(
      { name: 'familiar', values: ramp(0) },
      { name: 'strange', values: ramp(50) },
      [0.6, 0.9],
      { x: 'score' },
    );
    assert.deepEqual(
      frames.map(({ label }) => /: (.*)/.exec(label)?.[1]),
      ['90 % of strangers found, 40 % false alarms', '60 % of strangers found, 10 % false alarms'],
    );
  });

  it('refuses a set without scores, by its name', () => {
    assert.throws(
      () =>
        thresholdFrames({ name: 'a', values: [1] }, { name: 'b', values: [] }, [0.5], { x: '' }),
      /'b' has no scores/,
    );
  });
});

describe('a pair of layers that moves', () => {
  it('is every pair of the stored layers at B = 1 and at B = 5, with as many points each', async () => {
    const layers = figureLayers('glow-cifar10');
    const frames = await layerPairFrames('glow-cifar10');
    const pairs = (layers.length * (layers.length - 1)) / 2;
    assert.equal(frames.length, 2 * pairs);
    assert.equal(new Set(frames.map(({ label }) => label)).size, frames.length);
    const points = frames.flatMap(({ figure }) =>
      figure.data.map((series) => ((series as { x?: ArrayLike<number> }).x ?? []).length),
    );
    assert.deepEqual([...new Set(points)], [50]);
  });
});
