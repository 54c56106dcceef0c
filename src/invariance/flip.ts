/**
 * # A representation that reverses the likelihood's decision
 *
 * Give two images a and b, of which the model finds a the likelier by g = log p(a) − log p(b) nats.
 * Le Lan & Dinh (2021) show that a smooth invertible T exists under which b is the likelier: only
 * volume has to grow around a and shrink around b. One such map in closed form:
 *
 * A *lens* about c moves every point along its ray. With u = ‖x−c‖², strength λ > 0 and area A,
 *
 *     T(x) = c + s(u)·(x−c),     s² = (u + λ²A) / (u + A),
 *
 * so that s → λ at the centre and s → 1 far away.
 *
 * The squared radius goes from u to w = u·s², with dw/du = 1 + A²(λ²−1)/(u+A)² > 0, so T is
 * one-to-one, and u is the positive root of u² + (λ²A − w)·u − w·A = 0. Stretched by s in D−1
 * directions and by dρ/dr = (dw/du)/s along the ray,
 *
 *     log|det J| = (D/2 − 1)·log s² + log dw/du,                 D·log λ at the centre.
 *
 * `flip` sets a lens of λ = e^{g/D} on a and one of e^{−g/D} on b: of the gap g remains about g −
 * 2g = −g.
 *
 * Reference: Le Lan & Dinh, Entropy 23(12):1690 (2021), §3; the lens is this project's.
 */
import { at } from '../backend/index';
import { FisherlabError } from '../errors';
import type { ImageShape } from '../models/index';
import { Field } from './float64';
import { nested } from './mixing';
import { compose, everywhere, type Representation } from './representation';
import { type ConstantImage, perImage, type Values } from './values';

/**
 * Stretches space by λ around one image and leaves what is far away.
 * @param centre the image, flat
 * @param area A, in squared distance: where ‖x−c‖² = A half of the stretch is left
 */
export function lens(
  shape: ImageShape,
  centre: ArrayLike<number>,
  lambda: number,
  area: number,
): Representation {
  if (!(lambda > 0 && area > 0))
    throw new FisherlabError(
      `a lens of strength ${lambda} and area ${area} is none`,
      'choose positive numbers',
    );
  const c: ConstantImage = nested(centre, shape);
  const size = centre.length;
  const grown = lambda ** 2 * area;
  const squared = <S extends Values<S>>(v: S): S => v.mul(v).sum([1, 2, 3], true); // [N, 1, 1, 1]
  const stretch2 = <S extends Values<S>>(u: S): S => u.add(grown).div(u.add(area)); // s²
  return {
    name: `lens ${lambda.toPrecision(3)}`,
    domain: everywhere,
    forward(x) {
      const ray = x.sub(c);
      return ray.mul(stretch2(squared(ray)).pow(0.5)).add(c);
    },
    inverse(y) {
      const ray = y.sub(c);
      const w = squared(ray);
      const half = w.sub(grown).div(2);
      const u = half.add(half.mul(half).add(w.mul(area)).pow(0.5));
      return ray.div(stretch2(u).pow(0.5)).add(c);
    },
    logAbsDetJacobian(x) {
      const u = squared(x.sub(c));
      const steepness = u // dw/du
        .add(area)
        .pow(-2)
        .mul(area ** 2 * (lambda ** 2 - 1))
        .add(1);
      return perImage(
        stretch2(u)
          .log()
          .mul(size / 2 - 1)
          .add(steepness.log()),
      ); // [N]
    },
  };
}

/**
 * The representation under which likelihood ranks two images the other way round.
 * @param likelier the image with the larger log-likelihood, flat, in the unit cube
 * @param other the other one
 * @param gap log p(likelier) − log p(other) > 0, nats
 * @param reach A as a share of the squared distance of the two images
 */
export function flip(
  shape: ImageShape,
  likelier: ArrayLike<number>,
  other: ArrayLike<number>,
  gap: number,
  reach = 0.02,
): Representation {
  if (!(gap > 0))
    throw new FisherlabError(`a gap of ${gap} nats needs no flip`, 'give the likelier image first');
  const a = Float64Array.from(likelier);
  const distance2 = Float64Array.from(other).reduce((sum, x, i) => sum + (x - at(a, i)) ** 2, 0);
  if (distance2 === 0)
    throw new FisherlabError(
      'the two images of a flip are the same',
      'choose two different images',
    );
  const area = reach * distance2;
  const stretch = lens(shape, a, Math.exp(gap / a.length), area);
  // The second lens sits where the first one has moved the other image to.
  const moved = stretch.forward(new Field(Float64Array.from(other), [1, ...shape])).values;
  return {
    ...compose(stretch, lens(shape, moved, Math.exp(-gap / a.length), area)),
    name: 'flip',
    domain: everywhere,
  };
}
