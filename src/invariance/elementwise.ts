/**
 * # Maps of single values: affine, gamma, logit
 *
 * If every value is mapped by itself, y_i = g(x_i), the Jacobian is diagonal and log|det| = Σ_i
 * log|g′(x_i)|.
 */
import { FisherlabError } from '../errors';
import { everywhere, type Representation } from './representation';
import { perImage, type Values, whereAbove } from './values';

/** y = scale·x + offset in every value. log|det| = D·log|scale|. Zero scale is an error. */
export function affine(scale: number, offset: number): Representation {
  if (scale === 0 || !Number.isFinite(scale)) {
    throw new FisherlabError(
      `an affine map of scale ${scale} has no inverse`,
      'choose a finite scale other than 0',
    );
  }
  return {
    name: `affine(${scale}, ${offset})`,
    domain: everywhere,
    forward: (x) => x.mul(scale).add(offset),
    inverse: (y) => y.sub(offset).div(scale),
    logAbsDetJacobian: (x) => perImage(x.mul(0).add(Math.log(Math.abs(scale)))), // [N]
  };
}

/** y = x^γ, the transfer curve of displays. log g′ = log γ + (γ−1)·log x. γ must be positive. */
export function gamma(exponent: number): Representation {
  if (!(exponent > 0))
    throw new FisherlabError(
      `gamma ${exponent} has no smooth inverse`,
      'choose a positive exponent',
    );
  return {
    name: `gamma ${exponent}`,
    domain: 'every value positive (not black in any channel)',
    forward: (x) => x.pow(exponent),
    inverse: (y) => y.pow(1 / exponent),
    logAbsDetJacobian: (x) =>
      perImage(
        x
          .log()
          .mul(exponent - 1)
          .add(Math.log(exponent)),
      ), // [N]
    margin: (x) => x.min([1, 2, 3]), // [N]
  };
}

/**
 * y = log(p / (1−p)) with p = a + (1−2a)·x: opens the unit interval to the whole line, as RealNVP
 * does (Dinh, Sohl-Dickstein & Bengio 2017, §4.1, a = 0.05). dy/dx = (1−2a) / (p(1−p)).
 * @param a how far x is kept from 0 and 1, in [0, 1/2)
 */
export function logit(a = 0.05): Representation {
  if (!(a >= 0 && a < 0.5))
    throw new FisherlabError(`logit with a = ${a} is not increasing`, 'choose a in [0, 0.5)');
  const squeezed = <S extends Values<S>>(x: S) => x.mul(1 - 2 * a).add(a);
  const complement = <S extends Values<S>>(p: S) => p.mul(-1).add(1);
  return {
    name: 'logit',
    domain: `every value between ${(a === 0 ? 0 : -a / (1 - 2 * a)).toFixed(3)} and ${(1 + a / (1 - 2 * a)).toFixed(3)}, ends left out`,
    forward(x) {
      const p = squeezed(x);
      return p.log().sub(complement(p).log());
    },
    // 1 / (1 + e^−y), without overflow for any y: e^−|y| is at most 1.
    inverse(y) {
      const small = y.abs().mul(-1).exp();
      const lower = small.div(small.add(1));
      const p = whereAbove(y, 0, complement(lower), lower);
      return p.sub(a).div(1 - 2 * a);
    },
    logAbsDetJacobian(x) {
      const p = squeezed(x);
      return perImage(
        p
          .log()
          .add(complement(p).log())
          .mul(-1)
          .add(Math.log(1 - 2 * a)),
      ); // [N]
    },
    margin(x) {
      const p = squeezed(x);
      return p.minimum(complement(p)).min([1, 2, 3]); // [N]
    },
  };
}
