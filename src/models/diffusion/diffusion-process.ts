/**
 * # Going back through the noise: sampling, and a bound on the likelihood
 *
 * A function that predicts the noise in x_t, `ε̂(x_t, t)`, defines a generative model (Ho et al.
 * 2020, arXiv 2006.11239). It implies a prediction of the image,
 * `x̂_0 = (x_t − √(1−ᾱ_t) ε̂) / √ᾱ_t`, and a step back is taken as if that were the image:
 *
 *     p(x_{t−1} | x_t) = N( c₀ x̂_0 + c_t x_t, σ_t² ).
 *
 * The variance σ_t² is a choice: β̃_t is right if the image is certain, β_t if its distribution is
 * much wider than a step (Ho et al., §3.2).
 *
 * **Ancestral sampling** draws these one after another, with β̃_t as the reference does. **DDIM**
 * (Song et al. 2021, arXiv 2010.02502) goes back in fewer steps along a path without noise,
 * `x_s = √ᾱ_s x̂_0 + √(1−ᾱ_s) ε̂`. Both keep x̂_0 within the pixels' range [−1, 1], as the
 * reference does.
 *
 * **Variational bound.** In nats, for one image of D numbers, with σ_t² = β_t (with β̃_t the first
 * steps would cost some 0.3 nats a number):
 *
 *     −log p(x_0) ≤ KL( q(x_T|x_0) ‖ N(0,1) )
 *                   + Σ_{t≥1} E KL( q(x_{t−1}|x_t,x_0) ‖ p(x_{t−1}|x_t) ) − E log p(x_0|x_1),
 *                                                                           (eq:variational-bound)
 *
 * where the two Gaussians differ by
 * `D (β̃_t/β_t − 1 − ln β̃_t/β_t)/2 + c₀² ‖x_0 − x̂_0‖² / (2β_t)`, and the last term is the
 * probability of the 8-bit pixel: a Gaussian's mass between ±1/255 around it, everything beyond for
 * pixels 0 and 255 (eq. 13).
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, deriveSeed, lengthOf, normals, tf, uniformAt } from '../../backend/index';
import { FisherlabError } from '../../errors';
import type { NoiseSchedule } from './noise-schedule';

/** The noise in `x` [N, …], all of whose images are at index t; the shape of `x`. */
export type Denoiser = (x: Tensor, t: number) => Tensor;

/** Draws images from the model in the model's unit [−1, 1], of `shape` [N, …]. */
export function ancestral(
  denoise: Denoiser,
  schedule: NoiseSchedule,
  shape: readonly number[],
  seed: number,
): Tensor {
  let x = gaussian(shape, deriveSeed(seed, schedule.steps));
  for (let t = schedule.steps - 1; t >= 0; t--) {
    x = replace(x, () => {
      const { start, here, variance } = schedule.posterior(t);
      const mean = tf.add(
        tf.mul(guess(denoise(x, t), x, schedule, t, true), start),
        tf.mul(x, here),
      );
      return t === 0
        ? mean
        : tf.add(mean, tf.mul(gaussian(shape, deriveSeed(seed, t)), Math.sqrt(variance)));
    });
  }
  return x;
}

/** The same along DDIM's path of `steps` steps; the only noise is the start's. */
export function ddim(
  denoise: Denoiser,
  schedule: NoiseSchedule,
  shape: readonly number[],
  seed: number,
  steps: number,
): Tensor {
  if (!Number.isInteger(steps) || steps < 1 || steps > schedule.steps) {
    throw new FisherlabError(
      `DDIM cannot take ${steps} steps`,
      `choose from 1 to ${schedule.steps}`,
    );
  }
  const times = Array.from(
    { length: steps },
    (_, k) => Math.floor(((steps - k) * schedule.steps) / steps) - 1,
  );
  let x = gaussian(shape, deriveSeed(seed, schedule.steps));
  times.forEach((t, k) => {
    x = replace(x, () => {
      const noise = denoise(x, t);
      const start = guess(noise, x, schedule, t, true);
      const next = times[k + 1];
      const signal = next === undefined ? 1 : at(schedule.signal, next);
      return tf.add(tf.mul(start, Math.sqrt(signal)), tf.mul(noise, Math.sqrt(1 - signal)));
    });
  });
  return x;
}

/**
 * The bound on −log p, in nats, [N], for 8-bit images `start` in the model's unit
 * (`2·pixel/255 − 1`). Every expectation is over one draw of the noise, by `seed`.
 * @param terms how many of the T − 1 middle terms to compute, one drawn from each of as many parts
 *   of the sum, short where t is small and terms are large: unbiased, and exact when all are
 */
export function variationalBound(
  denoise: Denoiser,
  schedule: NoiseSchedule,
  start: Tensor,
  seed: number,
  terms = schedule.steps - 1,
): Tensor {
  const { steps, signal } = schedule;
  const middle = steps - 1;
  if (!Number.isInteger(terms) || terms < Math.min(1, middle) || terms > middle) {
    throw new FisherlabError(
      `the bound cannot be computed from ${terms} timesteps`,
      `choose from 1 to ${middle}`,
    );
  }
  return tf.tidy(() => {
    const n = lengthOf(start);
    const dimensions = start.size / n;
    const perImage = (x: Tensor) => tf.sum(tf.reshape(x, [n, -1]), 1); // [N]
    const noisedTo = (t: number) => {
      const share = at(signal, t);
      const noise = gaussian(start.shape, deriveSeed(seed, t));
      return tf.add(tf.mul(start, Math.sqrt(share)), tf.mul(noise, Math.sqrt(1 - share)));
    };
    const whole = at(signal, steps - 1);
    const ends = tf.mul(
      perImage(tf.sub(tf.mul(tf.square(start), whole), whole + Math.log1p(-whole))),
      0.5,
    );
    let bound = tf.add(
      ends,
      tf.neg(perImage(logMass(start, guessAt(0), Math.sqrt(at(schedule.betas, 0))))),
    );
    const edges = parts(middle, terms);
    for (let k = 0; k < terms; k++) {
      const [from, to] = [at(edges, k), at(edges, k + 1)];
      const t = from + Math.floor((to - from) * uniformAt(deriveSeed(seed, -1), k));
      bound = replace(bound, () => {
        const { start: weight, variance } = schedule.posterior(t);
        const beta = at(schedule.betas, t);
        const error = perImage(tf.square(tf.sub(start, guessAt(t))));
        const apart = (dimensions / 2) * (variance / beta - 1 - Math.log(variance / beta));
        return tf.add(
          bound,
          tf.mul(tf.add(tf.mul(error, weight ** 2 / (2 * beta)), apart), to - from),
        );
      });
    }
    return bound;

    function guessAt(t: number): Tensor {
      return tf.tidy(() => {
        const x = noisedTo(t);
        return guess(denoise(x, t), x, schedule, t, false);
      });
    }
  });
}

/**
 * Cuts 1 … `length` into `count` parts that grow geometrically, none empty: the count + 1 edges.
 */
function parts(length: number, count: number): number[] {
  const edges = [1];
  for (let k = 1; k <= count; k++) {
    const grown = Math.max(at(edges, k - 1) + 1, Math.round((length + 1) ** (k / count)));
    edges.push(Math.min(grown, length + 1 - (count - k)));
  }
  return edges;
}

/** log of the mass that N(mean, deviation²) gives to the 8-bit pixel at `x`, elementwise. */
function logMass(x: Tensor, mean: Tensor, deviation: number): Tensor {
  return tf.tidy(() => {
    const cumulative = (edge: Tensor) =>
      tf.mul(0.5, tf.add(1, tf.erf(tf.div(tf.sub(edge, mean), deviation * Math.SQRT2))));
    const above = tf.where(tf.greater(x, 0.999), tf.onesLike(x), cumulative(tf.add(x, 1 / 255)));
    const below = tf.where(tf.less(x, -0.999), tf.zerosLike(x), cumulative(tf.sub(x, 1 / 255)));
    return tf.log(tf.maximum(tf.sub(above, below), 1e-12));
  });
}

/** x̂_0 from the noise. */
function guess(
  noise: Tensor,
  x: Tensor,
  { signal }: NoiseSchedule,
  t: number,
  clip: boolean,
): Tensor {
  const share = at(signal, t);
  return tf.tidy(() => {
    const start = tf.div(tf.sub(x, tf.mul(noise, Math.sqrt(1 - share))), Math.sqrt(share));
    return clip ? tf.clipByValue(start, -1, 1) : start;
  });
}

function gaussian(shape: readonly number[], seed: number): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(normals(seed, size), [...shape]);
}

/**
 * What `make` gives, in the place of `old`, which is freed: a thousand steps hold no more than one.
 */
function replace(old: Tensor, make: () => Tensor): Tensor {
  const made = tf.tidy(make);
  old.dispose();
  return made;
}
