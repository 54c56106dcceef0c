import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { uniforms } from '../../src/numerics/random';
import {
  bars,
  type Figure,
  heatmap,
  histogram,
  imageGrid,
  lines,
  quantiles,
  scatter,
} from '../../src/plots/index';
import { textWidth } from '../../src/plots/text-width';

type Trace = { x: number[]; y: number[]; [more: string]: unknown };
const trace = (figure: Figure, index = 0): Trace => figure.data[index] as unknown as Trace;

describe('a histogram', () => {
  it('has area 1 for every series, whatever its size', () => {
    const finiteNumber = fc.double({ min: -1e3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(finiteNumber, { minLength: 1, maxLength: 50 }),
        fc.array(finiteNumber, { minLength: 1 }),
        (a, b) => {
          const figure = histogram(
            [
              { name: 'mnist', values: a },
              { name: 'svhn', values: b },
            ],
            { x: 'score' },
          );
          for (const index of [0, 1]) {
            const { x, y } = trace(figure, index);
            const area =
              y.reduce((sum, height) => sum + height, 0) * ((x[1] as number) - (x[0] as number));
            assert.ok(Math.abs(area - 1) < 1e-6, `area ${area}`);
          }
        },
      ),
    );
  });

  it('counts each value in its bin, the upper end in the last', () => {
    const { y } = trace(
      histogram([{ name: 'a', values: [0, 0.5, 1, 1.5, 4] }], { x: 'v', bins: 4 }),
    );
    assert.deepEqual(y, [0, 2 / 5, 2 / 5, 0, 1 / 5, 0]);
  });

  it('says how many values lie outside a given range', () => {
    const { layout } = histogram([{ name: 'a', values: [0, 1, 2, 9] }], {
      x: 'score',
      range: [0, 2],
    });
    assert.match(JSON.stringify(layout.xaxis), /score +\(1 of 4 values outside\)/);
  });

  it('refuses a value that is not finite, naming it', () => {
    assert.throws(
      () => histogram([{ name: 'a', values: [1, Number.NaN] }], { x: 'v' }),
      /series 'a' has the value NaN at index 1/,
    );
    assert.throws(() => histogram([{ name: 'a', values: [] }], { x: 'v' }), /series 'a' is empty/);
  });
});

describe('a quantile plot', () => {
  it('puts a sample made of the theory itself on the diagonal', () => {
    const theory = (p: number) => -Math.log(1 - p); // exponential
    const n = 1000;
    // from high to low
    const values = Array.from({ length: n }, (_, i) => theory((n - 1 - i + 0.5) / n));
    const { x, y } = trace(
      quantiles([{ name: 'e', values }], theory, { x: 'theory', y: 'sample' }),
      1,
    );
    assert.deepEqual(x, y);
    assert.ok(x.length <= 400);
    assert.equal(y[y.length - 1], values[0]);
    assert.equal(y[0], values[n - 1]);
  });

  it('draws each value once when there are few', () => {
    const values = Array.from(uniforms(3, 17));
    const { y } = trace(
      quantiles([{ name: 'u', values }], (p) => p, { x: 'theory', y: 'sample' }),
      1,
    );
    assert.deepEqual(
      y,
      [...values].sort((a, b) => a - b),
    );
  });
});

describe('bars', () => {
  it('lie with the first category at the top and room for the longest name', () => {
    const [short, long] = ['a', 'a name that is far too long to stand under a bar'];
    const figure = bars([short, long], [{ name: 'm', values: [1, 2], low: [0, 1], high: [3, 3] }], {
      y: 'AUROC',
      lying: true,
    });
    const { x, y, error_x: error, error_y: none } = trace(figure);
    assert.deepEqual([x, y, none], [[1, 2], [short, long], undefined]);
    assert.deepEqual((error as { array: number[] }).array, [2, 1]);
    assert.equal(figure.layout.yaxis?.autorange, 'reversed');
    assert.ok((figure.layout.margin?.l as number) > textWidth(long, 12));
  });

  it('draw both ends of an interval that is not even', () => {
    const { error_y: error } = trace(
      bars(['a'], [{ name: 'm', values: [0.9], low: [0.7], high: [0.95] }], { y: 'AUROC' }),
    );
    const { array, arrayminus } = error as { array: number[]; arrayminus: number[] };
    assert.ok(Math.abs(0.9 + (array[0] as number) - 0.95) < 1e-12);
    assert.ok(Math.abs(0.9 - (arrayminus[0] as number) - 0.7) < 1e-12);
  });

  it('refuse an interval without its value and a series of the wrong length', () => {
    assert.throws(
      () => bars(['x'], [{ name: 'm', values: [0.9], low: [0.91], high: [0.95] }], { y: '' }),
      /interval of 'm' at 'x' does not hold/,
    );
    assert.throws(
      () => bars(['x', 'y'], [{ name: 'm', values: [1] }], { y: '' }),
      /'m' has 1 values for 2 categories/,
    );
  });
});

describe('lines and points', () => {
  it('refuse numbers that a logarithmic axis cannot show', () => {
    assert.throws(
      () => lines([{ name: 'l', x: [1, 2], y: [1, 0] }], { x: '', y: '', logY: true }),
      /y of line 'l' is 0 at index 1/,
    );
  });

  it('put ticks at powers of ten on a logarithmic axis, and between them where there would be fewer than two', () => {
    const ticks = (y: number[]) => {
      const { dtick, tickvals } =
        lines([{ name: 'l', x: [1, 2], y }], { x: '', y: '', logY: true }).layout.yaxis ?? {};
      return { dtick, tickvals };
    };
    assert.deepEqual(ticks([0.3, 30]), { dtick: 1, tickvals: undefined });
    assert.deepEqual(ticks([0.3, 4]), { dtick: undefined, tickvals: [0.1, 0.2, 0.5, 1, 2, 5] });
  });

  it('distinguish lines even if there are more of them than colours', () => {
    const series = Array.from({ length: 9 }, (_, k) => ({
      name: `l${k}`,
      x: [0, 1],
      y: [k, k],
      dashed: k === 8,
    }));
    const looks = lines(series, { x: '', y: '' }).data.map(
      (part) => (part as unknown as { line: { color: string; dash: string } }).line,
    );
    assert.deepEqual(
      looks.map(({ dash }) => dash),
      [...new Array<string>(7).fill('solid'), 'dot', 'dash'],
    );
    assert.equal(looks[7]?.color, looks[0]?.color);
  });

  it('put the labels of neighbouring guides one below the other', () => {
    const guides = [0, 1].map((row) => ({
      axis: 'x' as const,
      value: 0.5,
      label: `guide ${row}`,
      row,
    }));
    const { annotations = [] } = histogram([{ name: 'mnist', values: [0, 1] }], {
      x: '',
      guides,
    }).layout;
    const [first, second] = annotations.map(({ yshift }) => yshift as number) as [number, number];
    assert.ok(first === 0 && second <= -14, `${first} and ${second}`);
  });

  it('refuse coordinates that do not pair', () => {
    assert.throws(
      () => lines([{ name: 'l', x: [1], y: [1, 2] }], { x: '', y: '' }),
      /1 values of x for 2 points/,
    );
    assert.throws(
      () => scatter([{ name: 's', x: [1], y: [1, 2] }], { x: '', y: '' }),
      /'s' has 1 x for 2 y/,
    );
  });

  it('fill the band between low and high', () => {
    const figure = lines([{ name: 'l', x: [0, 1], y: [5, 6], low: [4, 5], high: [6, 8] }], {
      x: '',
      y: '',
    });
    assert.deepEqual(
      figure.data.map((part) => (part as unknown as Trace).y),
      [
        [4, 5],
        [6, 8],
        [5, 6],
      ],
    );
    assert.equal(trace(figure, 1).fill, 'tonexty');
  });
});

describe('a heat map', () => {
  it('writes its numbers in the ink that contrasts more with the cell, on both scales', () => {
    const luminance = (grey: number) =>
      grey <= 0.04045 ? grey / 12.92 : ((grey + 0.055) / 1.055) ** 2.4;
    const ends = [
      ['sequential', [68, 1, 84], [253, 231, 37]],
      ['diverging', [33, 102, 172], [178, 24, 43]],
    ] as const;
    for (const [scale, low, high] of ends) {
      const { layout } = heatmap([[-1, 1]], { digits: 1, scale });
      [low, high].forEach((rgb, i) => {
        const [r, g, b] = rgb.map((value) => luminance(value / 255)) as [number, number, number];
        const ground = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        const better = 1.05 / (ground + 0.05) > (ground + 0.05) / 0.05 ? '#ffffff' : '#000000';
        assert.equal(layout.annotations?.[i]?.font?.color, better);
      });
    }
  });

  it('is even about zero on the diverging scale and blank where numbers are missing', () => {
    const { zmin, zmax, z } = trace(
      heatmap(
        [
          [null, -3],
          [1, Number.NaN],
        ],
        { scale: 'diverging' },
      ),
    );
    assert.deepEqual([zmin, zmax], [-3, 3]);
    assert.deepEqual(z, [
      [null, -3],
      [1, null],
    ]);
  });

  it('refuses rows of unequal length, names that do not fit and a matrix without a number', () => {
    assert.throws(() => heatmap([[1, 2], [3]]), /row 1 of the matrix has 1 numbers, row 0 has 2/);
    assert.throws(() => heatmap([[1, 2]], { columns: ['a'] }), /1 names for 2/);
    assert.throws(() => heatmap([[null]]), /no finite number/);
  });
});

describe('a grid of images', () => {
  it('holds every pixel, enlarged but unchanged, grey and in colour', () => {
    for (const channels of [1, 3] as const) {
      const pixels = Uint8Array.from(uniforms(1, 2 * 4 * 5 * channels), (value) =>
        Math.floor(value * 256),
      );
      const figure = imageGrid(pixels, [2, 4, 5, channels], { side: 10 });
      for (const n of [0, 1]) {
        const source = (figure.layout.images as unknown as { source: string }[])[n]?.source ?? '';
        const png = PNG.sync.read(
          Buffer.from(source.replace('data:image/png;base64,', ''), 'base64'),
        );
        const scale = png.width / 5;
        assert.equal(png.height, 4 * scale);
        for (let y = 0; y < png.height; y++) {
          for (let x = 0; x < png.width; x++) {
            const at = ((n * 4 + Math.floor(y / scale)) * 5 + Math.floor(x / scale)) * channels;
            const expected =
              channels === 1
                ? [pixels[at], pixels[at], pixels[at], 255]
                : [...pixels.slice(at, at + 3), 255];
            assert.deepEqual(
              [...png.data.subarray(4 * (y * png.width + x), 4 * (y * png.width + x) + 4)],
              expected,
            );
          }
        }
      }
    }
  });

  it('refuses pixels that do not fill the shape and captions that do not match', () => {
    assert.throws(
      () => imageGrid(new Uint8Array(10), [1, 2, 2, 3]),
      /10 pixel values do not make images of shape \[1, 2, 2, 3\]/,
    );
    assert.throws(
      () => imageGrid(new Uint8Array(4), [1, 2, 2, 1], { captions: [] }),
      /0 captions for 1 images/,
    );
  });
});
