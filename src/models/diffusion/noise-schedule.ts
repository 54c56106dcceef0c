/**
 * # Noise schedule of a diffusion model
 *
 *     q(x_t | x_0) = N( √ᾱ_t x_0, 1 − ᾱ_t ),   ᾱ_t = Π_{s≤t} (1 − β_s)  (eq:noising)
 *
 * The share of the signal ᾱ falls from 1 to 0 along a sigmoid (Jabri et al. 2022, arXiv 2212.11972;
 * start −3, end 3, tau 1): `σ̄(u) = (σ(3) − σ(6u − 3)) / (σ(3) − σ(−3))` on u = 0, 1/T, …, 1, and
 * β_t is 1 minus the ratio of neighbours, at most 0.999. Index t = 0 is the first step: ᾱ_0 is a
 * little below 1. Going back one step is Gaussian where x_0 is known (Ho et al. 2020, arXiv
 * 2006.11239, eq. 6, 7),
 *
 *     q(x_{t−1} | x_t, x_0) = N( c₀ x_0 + c_t x_t, β̃_t ),   β̃_t = β_t (1 − ᾱ_{t−1})/(1 − ᾱ_t).
 */
import { at } from '../../backend/index';
import { FisherlabError } from '../../errors';

export interface NoiseSchedule {
  readonly steps: number;
  readonly betas: Float64Array;
  /** ᾱ at index t. */
  readonly signal: Float64Array;
  /** ᾱ at index t − 1; 1 at t = 0. */
  signalBefore(t: number): number;
  /**
   * The weights of x_0 and x_t in the mean of q(x_{t−1} | x_t, x_0), and its variance β̃ (0 at t =
   * 0).
   */
  posterior(t: number): {
    readonly start: number;
    readonly here: number;
    readonly variance: number;
  };
}

/** @throws FisherlabError unless `steps` is a whole number from 1 on */
export function sigmoidSchedule(steps: number): NoiseSchedule {
  if (!Number.isInteger(steps) || steps < 1)
    throw new FisherlabError(`timesteps is ${steps}`, 'give a whole number from 1 on, say 1000');
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  // The reference has the two ends in float32, which shows where ᾱ is nearly 0.
  const [low, high] = [Math.fround(sigmoid(-3)), Math.fround(sigmoid(3))];
  const curve = Float64Array.from(
    { length: steps + 1 },
    (_, k) => (high - sigmoid((6 * k) / steps - 3)) / (high - low),
  );
  const betas = Float64Array.from({ length: steps }, (_, t) =>
    Math.min(0.999, Math.max(0, 1 - at(curve, t + 1) / at(curve, t))),
  );
  let product = 1;
  const signal = betas.map((beta) => {
    product *= 1 - beta;
    return product;
  });
  const signalBefore = (t: number) => (t === 0 ? 1 : at(signal, t - 1));
  return {
    steps,
    betas,
    signal,
    signalBefore,
    posterior(t) {
      const [beta, here, before] = [at(betas, t), at(signal, t), signalBefore(t)];
      return {
        start: (beta * Math.sqrt(before)) / (1 - here),
        here: ((1 - before) * Math.sqrt(1 - beta)) / (1 - here),
        variance: (beta * (1 - before)) / (1 - here),
      };
    },
  };
}
