import assert from 'node:assert/strict';
import { histogram, lines, panels, scatter, toSvg } from '../../src/plots/index';

const values = [0, 1, 1, 2, 2, 2, 3, 3, 4];
const sets = ['cifar10', 'svhn', 'celeba', 'gtsrb'];
const shifted = sets.map((name, k) => ({ name, values: values.map((value) => value + 3 * k) }));

describe('names in the plot', () => {
  it('replace the legend if there are more than three series, without overlaps', () => {
    const { layout } = histogram(shifted, { x: 'score', bins: 12 });
    assert.equal(layout.showlegend, false);
    const names = (layout.annotations ?? []).map(({ text }) => text);
    assert.deepEqual([...names].sort(), ['CIFAR-10', 'CelebA', 'GTSRB', 'SVHN']);
    assert.equal(histogram(shifted.slice(0, 3), { x: 'score' }).layout.showlegend, true);
  });

  it('after lines keep the order of their ends, a row apart', () => {
    const ends = [0.1, 0.11, 0.12, 0.9];
    const series = sets.map((name, k) => ({ name, x: [0, 1], y: [0, ends[k] as number] }));
    const { layout } = lines(series, { x: 'x', y: 'y' });
    const [low, high] = (layout.yaxis?.range ?? []) as [number, number];
    const height = 420 - 104;
    const at = (layout.annotations ?? []).map(
      ({ y, yshift = 0 }) => (((y as number) - low) / (high - low)) * height + yshift,
    );
    for (let k = 1; k < at.length; k++)
      assert.ok((at[k] as number) - (at[k - 1] as number) >= 16.9, `${at}`);
  });
});

describe('long tails', () => {
  it('are left out with a note of how many values lie outside', () => {
    const many = [...Array.from({ length: 1000 }, (_, i) => i / 1000), 500];
    const { layout } = histogram([{ name: 'mnist', values: many }], { x: 'score' });
    assert.ok(((layout.xaxis?.range?.[1] as number) ?? 500) < 2);
    assert.match(JSON.stringify(layout.xaxis?.title), /of 1001 values outside/);
  });
});

describe('panels', () => {
  const size = { width: 300, height: 200 };
  const parts = [
    histogram(shifted, { ...size, x: 'a', title: 'left', legend: false }),
    scatter([{ name: 'svhn', x: [1, 2], y: [3, 4] }], { ...size, x: 'b', y: 'c' }),
  ];

  it('keep to their own part of the whole', () => {
    const { layout } = panels(parts) as unknown as { layout: Record<string, { domain: number[] }> };
    assert.ok((layout.xaxis?.domain[1] as number) < 0.5);
    assert.ok((layout.xaxis2?.domain[0] as number) > 0.5);
  });

  it('share a legend with each name once', () => {
    const { data } = panels(parts, { legend: true });
    const names = data.filter(({ showlegend }) => showlegend).map(({ name }) => name);
    assert.deepEqual(names, ['CIFAR-10', 'SVHN', 'CelebA', 'GTSRB']);
  });

  it('refuse an empty list', () => {
    assert.throws(() => panels([]), /there are no panels/);
  });
});

describe('a figure in words', () => {
  it('is an image with its title and its caption, in every SVG', async () => {
    const caption = 'Left & <b>right</b>: a < b.';
    const svg = await toSvg(histogram(shifted, { x: 'score', title: 'Scores', caption }));
    assert.match(svg, /^<svg [^>]*role="img" aria-labelledby="(\S+)-title \1-desc">/);
    assert.match(svg, /<title id="[^"]+">Scores<\/title>/);
    assert.match(svg, /Left &#38; right: a &#60; b\./); // markup is taken out, signs stay
  });
});
