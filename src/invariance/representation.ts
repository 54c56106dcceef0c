/**
 * # Representations: other ways to write an image down
 *
 * A representation is a smooth invertible map T of images x (values in the unit cube) to y = T(x).
 * The same distribution of images has a density in either space, and they differ by how much T
 * stretches volume,
 *
 *     log p_X(x) = log p_T(T(x)) + log|det J_T(x)|,     J_T = ∂T/∂x .  (eq:change-of-variables)
 *
 * Nothing about an image changes with T, yet its likelihood does; the last term holds no parameter
 * θ, so ∇_θ log p does not (Dauncey, Holmes, Williams, Falck 2024, Proposition 1).
 *
 * Reference: Le Lan & Dinh, *Perfect density models cannot guarantee anomaly detection*, Entropy
 * 23(12):1690 (2021).
 */
import { FisherlabError } from '../errors';
import type { Values } from './values';

/**
 * A smooth invertible map of images. Every member is one formula that runs on tensors (float32,
 * differentiable) and on float64 `Field`s. Images are `[N, H, W, C]` with values in the unit cube;
 * y may have another shape per image, of the same size.
 */
export interface Representation {
  /** As it is called in tables: `RGB→HSV`. */
  readonly name: string;
  /** Where T is smooth and invertible, in a sentence. */
  readonly domain: string;
  /** x → y = T(x). */
  forward<S extends Values<S>>(x: S): S;
  /** y → x. */
  inverse<S extends Values<S>>(y: S): S;
  /** log|det ∂T/∂x| of each image, at x: `[N]`, nats. */
  logAbsDetJacobian<S extends Values<S>>(x: S): S;
  /**
   * Distance of each image from the border of the domain, `[N]`: positive inside. Absent where
   * every x is inside.
   */
  margin?<S extends Values<S>>(x: S): S;
}

/**
 * One map after another, from left to right: log-determinants add, each at the point the maps
 * before it have reached.
 */
export function compose(...maps: Representation[]): Representation {
  const composed: Representation = {
    name: maps.length === 0 ? 'identity' : maps.map((map) => map.name).join(', then '),
    domain:
      [...new Set(maps.map((map) => map.domain))]
        .filter((domain) => domain !== everywhere)
        .join('; then ') || everywhere,
    forward(x) {
      return maps.reduce((at, map) => map.forward(at), x);
    },
    inverse(y) {
      return maps.reduceRight((at, map) => map.inverse(at), y);
    },
    logAbsDetJacobian(x) {
      let at = x;
      let total = x.sum([1, 2, 3]).mul(0); // [N]
      for (const map of maps) {
        total = total.add(map.logAbsDetJacobian(at));
        at = map.forward(at);
      }
      return total;
    },
  };
  if (maps.some((map) => map.margin !== undefined)) {
    composed.margin = (x) => {
      let at = x;
      let least = x.sum([1, 2, 3]).mul(0).add(1e30); // [N]
      for (const map of maps) {
        if (map.margin !== undefined) least = least.minimum(map.margin(at));
        at = map.forward(at);
      }
      return least;
    };
  }
  return composed;
}

export const everywhere = 'every image';

/**
 * Checks that every image lies in the domain of T.
 * @param margins what `T.margin` gave, as numbers; NaN counts as outside
 * @throws {FisherlabError} if one does not, naming the first
 */
export function assertInside(map: Representation, margins: ArrayLike<number>): void {
  const outside = Array.from(margins).findIndex((margin) => !(margin > 0));
  if (outside < 0) return;
  throw new FisherlabError(
    `image ${outside} lies outside the domain of ${map.name}: ${map.domain}`,
    'dequantise the images first (uniform noise moves 8-bit values off the border)',
  );
}
