/**
 * # The Kronecker-factored score statistic of a layer
 *
 * A gradient is Σ_t x_t ⊗ dy_t. If what flows in and what flows back are independent, and so are
 * positions, the block of F is a Kronecker product of two small matrices (Martens & Grosse 2015,
 * arXiv 1503.05671; for convolutions Grosse & Martens 2016, arXiv 1602.01407),
 *
 *     F_j ∝ A ⊗ S,    A = E Σ_t x_t x_tᵀ  [I, I],    S = E Σ_t dy_t dy_tᵀ  [O, O].
 *
 * Both are scaled to mean eigenvalue 1 and the product to the exact trace, φ = tr F_j / |θ_j|.
 * Damping is factored, √ρ on either side with ρ = λ/φ, so that with Cholesky factors A + √ρ I = L_A
 * L_Aᵀ, S + √ρ I = L_S L_Sᵀ the statistic is a norm again:
 *
 *     ‖L_A⁻¹ (Σ_t x_t dy_tᵀ) L_S⁻ᵀ‖²_F / φ.  (eq:kronecker-norm)
 *
 * A tensor whose gradient is given outright (T = I = 1, see `gradients/factors.ts`) has A = 1, and
 * S is its whole block. A side longer than 1024 keeps its diagonal only.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, lengthOf, matMul, numberOf, shape3, squaredNormOfRows, tf } from '../backend/index';
import { Collector, passOver } from '../gradients/index';
import type { Model } from '../models/index';
import { inverseCholesky, shifted } from '../numerics/index';
import type { DampedOptions } from './damped-norm';
import type { Draws } from './draws';
import {
  DAMPING,
  dampingOf,
  type FittedFeature,
  type FittedLayer,
  fittedFeature,
} from './fitted-feature';

/** The longest side of a full factor. */
const LONGEST = 1024;

/** Sums over all reference images. */
interface Moments {
  readonly inputs: Tensor; // [I, I], or [I] where only the diagonal is kept
  readonly outputs: Tensor; // [O, O] or [O]
  readonly squaredNorms: Tensor; // Σ_n ‖g_n‖²
}

/**
 * Feature `kronecker-fisher-norm`, fitted on the gradients of `draws`.
 * @throws {FisherlabError} if the damping is not above 0
 * @throws the reason of `signal`, once it is aborted
 */
export async function kroneckerFisherNorm(
  model: Model,
  draws: Draws,
  { damping = DAMPING, progress, signal }: Omit<DampedOptions, 'memory'> = {},
): Promise<FittedFeature> {
  const moments = new Collector(
    (gradient) => {
      const { x, dy } = gradient.grouped(1);
      return {
        inputs: secondMoment(x),
        outputs: secondMoment(dy),
        squaredNorms: tf.sum(gradient.squaredNorms(1)),
      };
    },
    { sums: ['inputs', 'outputs', 'squaredNorms'] },
  );
  const layers = new Map<string, FittedLayer | null>();
  const feature = fittedFeature('kronecker-fisher-norm', layers);
  try {
    await passOver(model, draws, moments, (done) => progress?.(done, draws.count), signal);
    for (const [layer, found] of moments.byLayer)
      layers.set(layer.name, fitLayer(found, draws.count, damping));
    return feature;
  } catch (error) {
    feature.dispose(); // what was fitted before
    throw error;
  } finally {
    moments.dispose();
  }
}

/** Σ_{n,t} z zᵀ of z [N, T, C]: [C, C], or its diagonal [C] where C is large. */
function secondMoment(z: Tensor): Tensor {
  const flat = tf.reshape(z, [-1, lengthOf(z, 2)]); // [N·T, C]
  return lengthOf(flat, 1) > LONGEST ? tf.sum(tf.square(flat), 0) : matMul(flat, flat, true);
}

function fitLayer(
  { inputs, outputs, squaredNorms }: Moments,
  samples: number,
  damping: number,
): FittedLayer | null {
  const trace = numberOf(squaredNorms) / samples;
  if (trace === 0) return null;
  const [I, O] = [lengthOf(inputs), lengthOf(outputs)];
  const phi = trace / (I * O);
  const rho = dampingOf(damping, trace, samples, I * O) / phi;
  const [left, right] = [whitener(inputs, Math.sqrt(rho)), whitener(outputs, Math.sqrt(rho))];
  return {
    tensors: [left, right],
    of: (gradient, B) => {
      const { x, dy } = gradient.grouped(B);
      const G = matMul(x, dy, true); // [G, I, O]
      const groups = lengthOf(G);
      // Both whiteners from the right: rows of G are outputs, and rows of its transpose are inputs.
      const halfWay = whiten(G, right); // [G, I, O]
      const turned = () => tf.transpose(halfWay, [0, 2, 1]); // [G, O, I]
      // [G, O, I], or [G, 1, O] where I = 1.
      const whole = I === 1 ? tf.mul(halfWay, left) : whiten(turned(), left);
      return tf.div(squaredNormOfRows(tf.reshape(whole, [groups, I * O])), phi);
    },
  };
}

/** Rows of z [G, R, C] times L⁻ᵀ, or their scaling by a diagonal [C]. */
function whiten(z: Tensor, by: Tensor): Tensor {
  if (by.shape.length === 1) return tf.mul(z, by);
  const [groups, rows, columns] = shape3(z, 'whitening');
  return tf.reshape(matMul(tf.reshape(z, [groups * rows, columns]), by, false, true), [
    groups,
    rows,
    columns,
  ]); // [G, R, C]
}

/**
 * L⁻¹ of the moment scaled to mean eigenvalue 1 and damped; of a diagonal, its inverse root. A
 * moment of 0 counts as 0.
 */
function whitener(moment: Tensor, damping: number): Tensor {
  const side = lengthOf(moment);
  const values = Float64Array.from(moment.dataSync());
  const full = moment.shape.length === 2;
  let trace = 0;
  for (let i = 0; i < side; i++) trace += at(values, full ? i * (side + 1) : i);
  const scaled = values.map((value) => value * (side / trace));
  if (!full)
    return tf.tensor1d(Float32Array.from(scaled, (value) => 1 / Math.sqrt(value + damping)));
  return tf.tensor2d(Float32Array.from(inverseCholesky(shifted(scaled, side, damping), side)), [
    side,
    side,
  ]);
}
