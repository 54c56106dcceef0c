/**
 * # RGB ↔ CIELAB, through linear light
 *
 * Four steps, each invertible, so the log-determinants add (`compose`):
 *
 *     sRGB values → linear light      u = x/12.92 for x ≤ 0.04045, else ((x+0.055)/1.055)^2.4
 *     → X, Y, Z over the white point  a 3×3 matrix (sRGB primaries, D65)
 *     → cube roots                    f(t) = t^(1/3) for t > δ³, else t/(3δ²) + 4/29,   δ = 6/29
 *     → L* a* b*                      L* = 116 f_Y − 16,  a* = 500 (f_X − f_Y),
 *                                     b* = 200 (f_Y − f_Z),   |det| = 116·500·200
 *
 * The curves join smoothly enough for a density: f has one continuous derivative everywhere; the
 * sRGB curve's slope jumps by 1.7 % at its joint, a set of measure zero.
 *
 * Reference: IEC 61966-2-1 (sRGB); CIE 15:2004 (CIELAB).
 */
import { channelMixture } from './linear';
import { compose, everywhere, type Representation } from './representation';
import { perImage, type Values, whereAbove } from './values';

/**
 * A straight line up to a joint and a power law above it: y = slope·t + rise for t ≤ joint, else
 * ((t + shift)/scale)^power. The power law is never evaluated below the joint, where its slope may
 * be infinite and would spoil gradients.
 */
interface Curve {
  name: string;
  joint: number;
  slope: number;
  rise: number;
  shift: number;
  scale: number;
  power: number;
}

function transfer(curve: Curve): Representation {
  const { name, joint, slope, rise, shift, scale, power } = curve;
  const above = <S extends Values<S>>(t: S) => t.maximum(joint).add(shift).div(scale);
  const yJoint = slope * joint + rise;
  return {
    name,
    domain: everywhere,
    forward: (t) => whereAbove(t, joint, above(t).pow(power), t.mul(slope).add(rise)),
    inverse(y) {
      const line = y.sub(rise).div(slope);
      const law = y
        .maximum(yJoint)
        .pow(1 / power)
        .mul(scale)
        .sub(shift);
      return whereAbove(y, yJoint, law, line);
    },
    logAbsDetJacobian(t) {
      const law = above(t)
        .log()
        .mul(power - 1)
        .add(Math.log(power / scale));
      const line = t.mul(0).add(Math.log(slope));
      return perImage(whereAbove(t, joint, law, line)); // [N]
    },
  };
}

const linearLight = transfer({
  name: 'linear light',
  joint: 0.04045,
  slope: 1 / 12.92,
  rise: 0,
  shift: 0.055,
  scale: 1.055,
  power: 2.4,
});

/**
 * Linear sRGB to CIE XYZ, and its white (the image of (1,1,1)), by which X, Y and Z are divided.
 */
const xyzRows = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
] as const;
const overWhite = channelMixture(
  'XYZ over white',
  xyzRows.map(([r, g, b]) => [r / (r + g + b), g / (r + g + b), b / (r + g + b)] as const),
);

const delta = 6 / 29;
const cubeRoot = transfer({
  name: 'cube root',
  joint: delta ** 3,
  slope: 1 / (3 * delta ** 2),
  rise: 4 / 29,
  shift: 0,
  scale: 1,
  power: 1 / 3,
});

const opponents = channelMixture(
  'opponent colours',
  [
    [0, 116, 0],
    [500, -500, 0],
    [0, 200, -200],
  ],
  [-16, 0, 0],
);

/** RGB ↔ (L*, a*, b*), L* from 0 to 100. */
export const cielab: Representation = {
  ...compose(linearLight, overWhite, cubeRoot, opponents),
  name: 'RGB→CIELAB',
  domain: everywhere,
};
