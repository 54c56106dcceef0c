/**
 * # The usual collectors
 *
 * Each makes one tensor for every layer:
 *
 * | collector | tensor of a layer | for |
 * |---|---|---|
 * | `summedGradients()` | `sum`: Σ_n ∂l_n/∂θ_j, [\|θ_j\|] | training |
 * | `gradientsOfGroups(B)` | `gradients`: ∂/∂θ_j Σ_b l_b, [N/B, \|θ_j\|] | Fisher information |
 * | `groupNorms(B)` | `norms`: ‖∂/∂θ_j Σ_b l_b‖², [N/B], b in a group | the method |
 * | `gradientsOf(choice)` | `gradients`: ∂l_n/∂θ_{j,i} of chosen i, [N, m] | windows of it |
 * | `grams(B)` | `gram`: ⟨g_a, g_b⟩ of groups a and b, [N/B, N/B] | exact Fisher norms |
 *
 *     const found = groupNorms(1);
 *     const logLikelihood = model.gradients(images, noise, found);
 *     const byName = found.read('norms');   // Map: name of the layer -> numbers; frees the tensors
 *
 * A feature (`features.ts`) becomes a column of tables. For anything else, write a `Collector`.
 */

import { tf } from '../backend/index';
import { FisherlabError } from '../errors';
import { Collector } from './collector';
import type { Layer } from './layer';

/** Gradients summed over the images, in the order of each layer's variable. */
export function summedGradients(): Collector<'sum'> {
  return new Collector((gradient) => ({ sum: tf.reshape(gradient.total(), [-1]) })); // [|θ|]
}

/**
 * Gradients of each group of B images, [N/B, |θ|].
 * @param layers those wanted; all where left out
 */
export function gradientsOfGroups(B: number, layers?: ReadonlySet<Layer>): Collector<'gradients'> {
  return new Collector(
    (gradient, layer) =>
      layers === undefined || layers.has(layer) ? { gradients: gradient.instantiate(B) } : null,
    { imagesAnEntry: B, rows: ['gradients'] },
  );
}

/** Squared norms for each group of B images, [N/B]. */
export function groupNorms(B: number): Collector<'norms'> {
  return new Collector((gradient) => ({ norms: gradient.squaredNorms(B) }), {
    imagesAnEntry: B,
    rows: ['norms'],
  });
}

/** Inner products between the gradients of groups of B images, [N/B, N/B]. */
export function grams(B: number): Collector<'gram'> {
  return new Collector((gradient) => ({ gram: gradient.gram(B) }), { imagesAnEntry: B });
}

/**
 * Gradients of chosen weights for each image, [N, m].
 * @param choice for each layer by name, the positions of its weights in the layer's (flat)
 *   variable; other layers are passed over
 * @throws {FisherlabError} if a layer has no such weight, at the pass
 */
export function gradientsOf(
  choice: ReadonlyMap<string, readonly number[]>,
): Collector<'gradients'> {
  return new Collector(
    (gradient, layer) => {
      const positions = choice.get(layer.name);
      return positions === undefined
        ? null
        : { gradients: gradient.chosen(checked(positions, layer)) };
    },
    { imagesAnEntry: 1, rows: ['gradients'] },
  );
}

function checked(positions: readonly number[], layer: Layer): readonly number[] {
  const bad = positions.find(
    (position) => !Number.isInteger(position) || position < 0 || position >= layer.variable.size,
  );
  if (bad === undefined) return positions;
  throw new FisherlabError(
    `tensor '${layer.name}' has no weight ${bad}`,
    `choose among 0 to ${layer.variable.size - 1}`,
  );
}
