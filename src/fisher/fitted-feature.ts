/**
 * # Features that are fitted first
 *
 * The paper's norm needs nothing but the gradient. More exact statistics weight the gradient by an
 * estimate of the layer's block of F, so they are *fitted* on reference gradients first; then they
 * run in the same single pass as any feature. All three estimate
 *
 *     gᵀ (F_j + λ_j I)⁻¹ g / B,       λ_j = damping · tr F_j / min(N, |θ_j|),
 *
 * Rao's score statistic of the layer (g is the gradient of the joint log-likelihood of B images; B
 * F is its second moment, hence the division). The damping is relative to the mean of the
 * eigenvalues that N samples can show. They differ in how they approximate F_j. As λ → 0, the
 * exact one is invariant under every invertible linear map of the layer's weights; no norm of the
 * gradient is.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Factors, Feature, Layer } from '../gradients/index';

/** A feature that holds tensors. */
export interface FittedFeature extends Feature {
  /** Frees what was learned. */
  dispose(): void;
}

/** What a fitted feature knows of one layer. */
export interface FittedLayer {
  readonly tensors: readonly Tensor[];
  /** gᵀ(F + λ)⁻¹g of each batch, [N/B], before the division by B. */
  readonly of: (gradient: Factors, B: number) => Tensor;
}

/** 1 %: the damping of the trial that first tried it. */
export const DAMPING = 0.01;

/** λ_j for a layer of `size` weights, seen with N samples. */
export function dampingOf(damping: number, trace: number, samples: number, size: number): number {
  if (!(damping > 0))
    throw new FisherlabError(
      `a damping of ${damping} makes no sense`,
      'give a number above 0, say 0.01',
    );
  return (damping * trace) / Math.min(samples, size);
}

/**
 * Makes a feature of what was learned of every layer, by name. A layer without gradients in the
 * reference (null) gets 0.
 */
export function fittedFeature(
  name: string,
  layers: ReadonlyMap<string, FittedLayer | null>,
): FittedFeature {
  return {
    name,
    of(gradient, B, layer: Layer) {
      const fitted = layers.get(layer.name);
      if (fitted === undefined)
        throw new FisherlabError(
          `feature '${name}' was not fitted on layer '${layer.name}'`,
          'fit it on the model it is used with',
        );
      if (fitted === null) return tf.zeros([gradient.images / B]);
      return tf.div(fitted.of(gradient, B), B);
    },
    dispose() {
      tf.dispose([...layers.values()].flatMap((layer) => layer?.tensors ?? []));
    },
  };
}
