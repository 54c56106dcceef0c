import assert from 'node:assert/strict';
import { DATA_SETS } from '../../src/data/sets';
import { colourOf, DATA_SET_COLOURS, withOpacity } from '../../src/plots/colours';
import { labelOf } from '../../src/set-names';

/**
 * Linear RGB as people with these forms of colour blindness see it (Machado, Oliveira and Fernandes
 * 2009, severity 1).
 */
const SIGHTS: Record<string, number[][]> = {
  'all three cones': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** CIELAB of linear RGB (D65). */
function lab(rgb: number[]): number[] {
  const row = (weights: number[]) =>
    weights.reduce((sum, weight, i) => sum + weight * (rgb[i] as number), 0);
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (841 / 108) * t + 4 / 29);
  const x = f(row([0.4124564, 0.3575761, 0.1804375]) / 0.95047);
  const y = f(row([0.2126729, 0.7151522, 0.072175]));
  const z = f(row([0.0193339, 0.119192, 0.9503041]) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function seen(colour: string, sight: number[][]): number[] {
  const linear = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return lab(
    sight.map((row) =>
      Math.min(
        1,
        Math.max(
          0,
          row.reduce((sum, weight, i) => sum + weight * (linear[i] as number), 0),
        ),
      ),
    ),
  );
}

const distance = (a: number[], b: number[]) =>
  Math.hypot(...a.map((value, i) => value - (b[i] as number)));

describe('the colours of data sets', () => {
  const grey = ['fashion_mnist', 'mnist', 'kmnist', 'emnist_letters', 'omniglot', 'notmnist'];
  const colour = Object.keys(DATA_SET_COLOURS).filter((name) => !grey.includes(name));

  for (const [sight, matrix] of Object.entries(SIGHTS)) {
    it(`stay apart within the grey and within the colour sets, seen with ${sight}`, () => {
      for (const group of [grey, colour]) {
        for (const a of group) {
          for (const b of group) {
            if (a >= b) continue;
            // a just noticeable difference is about 2.3
            const apart = distance(seen(colourOf(a), matrix), seen(colourOf(b), matrix));
            assert.ok(apart > 15, `${a} and ${b} are ${apart.toFixed(1)} apart`);
          }
        }
      }
    });
  }

  it('are given to every data set of the program, with a name', () => {
    assert.deepEqual(Object.keys(DATA_SET_COLOURS).sort(), [...DATA_SETS].sort());
  });

  it('are all different', () => {
    const all = Object.entries(DATA_SET_COLOURS);
    assert.equal(new Set(all.map(([, colour]) => colour)).size, all.length);
    assert.equal(new Set(all.map(([name]) => labelOf(name))).size, all.length);
    for (const [name] of all) assert.notEqual(labelOf(name), name);
  });

  it('are found by name and by label, and other words are left as they are', () => {
    assert.equal(colourOf('Fashion-MNIST'), colourOf('fashion_mnist'));
    assert.equal(labelOf('emnist_letters'), 'EMNIST letters');
    assert.equal(labelOf('typicality'), 'typicality');
    assert.equal(withOpacity('#0a14ff', 0.5), 'rgba(10,20,255,0.5)');
  });
});
