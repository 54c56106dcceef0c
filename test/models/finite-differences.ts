/**
 * Gradients of a model against finite differences of its own objective: for each image and each
 * tensor, the slope along the gradient's own direction must be the gradient's norm, and the slope
 * along a random direction the inner product with it. All that fail are reported at once.
 */

import { tf } from '../../src/backend/start';
import type { Collector } from '../../src/gradients/collector';
import type { Layer } from '../../src/gradients/layer';
import { normals } from '../../src/numerics/random';
import { looking } from '../support/looking';

export interface Differences {
  readonly layers: readonly Layer[];
  /** The objective of each image. */
  readonly value: () => Float32Array;
  /** The same pass with a collector. */
  readonly gradients: (collector: Collector) => void;
  /** Whether images are independent of each other (else only the sum is compared). */
  readonly perImage?: boolean;
  readonly step?: number;
  readonly tolerance?: number;
}

/** One line for each tensor and direction in which slope and gradient disagree. */
export function disagreements({
  layers,
  value,
  gradients,
  perImage = true,
  step = 2e-3,
  tolerance = 0.02,
}: Differences): string[] {
  const found = new Map<Layer, Float32Array[]>();
  gradients(
    looking((layer, factors) => {
      const n = factors.images;
      const rows = tf.tidy(
        () =>
          (perImage
            ? factors.instantiate(1)
            : tf.reshape(factors.total(), [1, -1])
          ).dataSync() as Float32Array,
      );
      const size = layer.variable.size;
      found.set(
        layer,
        Array.from({ length: perImage ? n : 1 }, (_, k) => rows.slice(k * size, (k + 1) * size)),
      );
    }),
  );
  const lines: string[] = [];
  for (const layer of layers) {
    const rows = found.get(layer);
    if (rows === undefined) {
      lines.push(`${layer.name}: no gradient`);
      continue;
    }
    rows.forEach((gradient, image) => {
      const norm = Math.hypot(...gradient);
      const random = normals(7 + image, gradient.length);
      const length = Math.hypot(...random);
      const directions: [string, Float32Array][] = [['random', random.map((v) => v / length)]];
      if (norm > 0) directions.push(['own', gradient.map((v) => v / norm)]);
      for (const [name, direction] of directions) {
        const slope = slopeAlong(layer, direction, step, () => pick(value(), image, perImage));
        const expected = gradient.reduce((sum, g, k) => sum + g * (direction[k] as number), 0);
        if (!(Math.abs(slope - expected) <= tolerance * Math.max(norm, 0.05))) {
          lines.push(
            `${layer.name}, image ${image}, ${name} direction: slope ${slope}, gradient ${expected} of norm ${norm}`,
          );
        }
      }
    });
  }
  return lines;
}

function pick(values: Float32Array, image: number, perImage: boolean): number {
  return perImage ? (values[image] as number) : values.reduce((sum, v) => sum + v, 0);
}

/**
 * Central difference of `value` when `layer` moves along `direction`, which is in TensorFlow's
 * order.
 */
function slopeAlong(
  layer: Layer,
  direction: Float32Array,
  step: number,
  value: () => number,
): number {
  const before = layer.variable.clone();
  const at = (distance: number) => {
    tf.tidy(() =>
      layer.variable.assign(tf.add(before, tf.mul(tf.tensor(direction, before.shape), distance))),
    );
    return value();
  };
  const slope = (at(step) - at(-step)) / (2 * step);
  layer.variable.assign(before);
  before.dispose();
  return slope;
}

/**
 * Gives every layer random values around what it has, so that nothing is zero or one by
 * construction.
 */
export function shake(layers: readonly Layer[], seed: number, amount: number): void {
  layers.forEach((layer, k) => {
    const values = tf.tidy(() =>
      tf.add(
        layer.variable,
        tf.mul(tf.tensor(normals(seed + k, layer.variable.size), layer.variable.shape), amount),
      ),
    );
    tf.tidy(() => layer.variable.assign(values));
    values.dispose();
  });
}
