/**
 * # Weight-standardised convolution, group norm, modulation, SiLU in one
 *
 *     y = silu( (γ n̂ + β)(1 + a) + c ),   n̂ = group-normalised n,   n = conv(x, v) r + b
 *
 * The block that a diffusion U-Net is made of (P. Wang's denoising-diffusion-pytorch, after Ho et
 * al. 2020, arXiv 2006.11239); a and c, if given, come from the time. Standardisation, bias, norm
 * and modulation are all affine in each channel of `u = conv(x, v)`, so together they are one pass,
 * `z = u A + B`, where apart they would be five. With `dz` behind the SiLU and the sums over
 * positions `S₁ = Σ dz`, `S₂ = Σ dz u`, `Σ u`, `Σ u²` of each channel:
 *
 *     D = Σ dz n̂ = (r S₂ + (b − m) S₁) / s,   s = √(variance + ε),   γ' = γ (1 + a)
 *     ∂l/∂γ = (1 + a) D,   ∂l/∂β = (1 + a) S₁,   ∂l/∂a = γ D + β S₁,   ∂l/∂c = S₁,
 *     ∂l/∂u = dz A + u P + Q,   P = −r² m₂ / s²,   Q = −r (m₁ + m₂ (b − m)/s) / s,
 *
 * with m₁, m₂ the means of γ' dz and γ' dz n̂ over the group; and with no further pass
 * `∂l/∂b = Σ ∂l/∂n = (A S₁ + P Σu + T Q)/r` and what the standardised filter needs,
 * `Σ (∂l/∂u) u = A S₂ + P Σu² + Q Σu`. The parts: `standardised-convolution`, `group-norm`,
 * `activations`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import {
  convolve,
  convolveInputGrad,
  pair,
  shape4,
  squaredNormOfPositions,
  tf,
} from '../../backend/index';
import { directFactors } from '../direct-factors';
import type { Layer } from '../layer';
import type { Tape, Value } from '../tape';
import { siluForward, siluGrad } from './activations';
import { groupStatistics, meanOfGroups, perChannel } from './group-norm';
import { sameWindow, standardise } from './standardised-convolution';
import { StandardisedFactors } from './standardised-factors';

export interface BlockLayers {
  /** [k, k, I, O] with odd k. */
  readonly weight: Layer;
  /** [O] */
  readonly bias: Layer;
  /** γ and β of the norm, [O]. */
  readonly gain: Layer;
  readonly offset: Layer;
}

/**
 * `x` [N, H, W, I] to [N, H, W, O]; O a multiple of `groups`. `modulation` [N, 2·O] holds a, then
 * c.
 */
export function convolutionBlock(
  tape: Tape,
  x: Value,
  layers: BlockLayers,
  groups: number,
  modulation?: Value,
): Value {
  const { weight, bias, gain, offset } = layers;
  const input = x.tensor;
  const [n, h, w, i] = shape4(input, 'convolution block');
  const o = bias.variable.size;
  const t = h * w;
  const window = sameWindow(weight.variable);
  const flat = (z: Tensor) => tf.reshape(z, [n, t, o]); // [N, T, O]
  const split = () =>
    modulation === undefined
      ? pair([tf.zeros([n, o]), tf.zeros([n, o])])
      : pair(tf.split(modulation.tensor, 2, 1)); // [N, O] each

  const forward = tf.tidy(() => {
    const filter = standardise(weight.variable);
    const { centred, inverse: r } = filter;
    const u = flat(convolve(input, centred, window));
    const [sumU, sumUU] = [tf.sum(u, 1), squaredNormOfPositions(u)]; // [N, O] each
    const b = bias.variable;
    const sumN = tf.add(tf.mul(sumU, r), tf.mul(b, t));
    const sumNN = tf.add(
      tf.mul(sumUU, tf.square(r)),
      tf.mul(b, tf.sub(tf.mul(sumN, 2), tf.mul(b, t))),
    ); // Σ (ru + b)²
    const { mean, inverse } = groupStatistics(sumN, sumNN, groups, t);
    const [a, c] = split();
    const slope = tf.mul(inverse, tf.mul(gain.variable, tf.add(a, 1))); // of z against n, [N, O]
    const shift = tf.add(tf.mul(offset.variable, tf.add(a, 1)), c);
    const A = tf.mul(slope, r);
    const B = tf.add(tf.mul(tf.sub(b, mean), slope), shift);
    const z = tf.add(tf.mul(u, perChannel(A)), perChannel(B)); // [N, T, O]
    const { y, s } = siluForward(z);
    return {
      y: tf.reshape(y, [n, h, w, o]),
      s,
      u,
      sumU,
      sumUU,
      mean,
      inverse,
      A,
      filter: { ...filter },
    }; // y: [N, H, W, O]
  });
  const { y, s, u, sumU, sumUU, mean, inverse, A, filter } = forward;
  const inputs = modulation === undefined ? [x] : [x, modulation];
  const saved = [input, y, s, u, sumU, sumUU, mean, inverse, A, ...Object.values(filter)];
  if (modulation !== undefined) saved.push(modulation.tensor);
  return tape.apply({
    inputs,
    layers: [weight, bias, gain, offset],
    output: y,
    saved,
    back(dy) {
      const r = filter.inverse;
      const dz = siluGrad(flat(dy), flat(y), s);
      const S1 = tf.sum(dz, 1); // [N, O]
      const S2 = tf.sum(tf.mul(dz, u), 1); // [N, O]
      const centre = tf.mul(tf.sub(bias.variable, mean), inverse); // n̂ where u = 0
      const D = tf.add(tf.mul(tf.mul(S2, r), inverse), tf.mul(centre, S1));
      const one = tf.add(split()[0], 1);
      const gamma = tf.mul(gain.variable, one);
      const [m1, m2] = [
        meanOfGroups(tf.mul(gamma, S1), groups, t),
        meanOfGroups(tf.mul(gamma, D), groups, t),
      ];
      const step = tf.mul(r, inverse);
      const P = tf.neg(tf.mul(tf.square(step), m2));
      const Q = tf.neg(tf.mul(step, tf.add(m1, tf.mul(m2, centre))));
      const du = tf.reshape(
        tf.add(tf.add(tf.mul(dz, perChannel(A)), tf.mul(u, perChannel(P))), perChannel(Q)),
        [n, h, w, o],
      ); // [N, H, W, O]

      const direct = (make: () => Tensor) => directFactors('convolution block', n, make);
      const beta = tf.addN([tf.mul(A, S2), tf.mul(P, sumUU), tf.mul(Q, sumU)]);
      tape.gradient(weight, new StandardisedFactors(input, du, beta, filter, window));
      tape.gradient(
        bias,
        direct(() => tf.div(tf.addN([tf.mul(A, S1), tf.mul(P, sumU), tf.mul(Q, t)]), r)),
      );
      tape.gradient(
        gain,
        direct(() => tf.mul(one, D)),
      );
      tape.gradient(
        offset,
        direct(() => tf.mul(one, S1)),
      );
      const dx = x.needed ? convolveInputGrad(du, filter.centred, [n, h, w, i], window) : null;
      if (modulation === undefined) return [dx];
      const da = tf.add(tf.mul(gain.variable, D), tf.mul(offset.variable, S1));
      return [dx, tf.concat([da, S1], 1)];
    },
  });
}
