/**
 * # Factors of a gradient that is given directly
 *
 * For a bias, a gain, and every tensor whose gradient is not a sum of outer products: T = I = 1,
 * `x = 1`, and `dy` is the gradient of each image itself, [N, |θ|].
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, matMul, squaredNormOfRows, tf } from '../backend/index';
import { ByGroup } from './by-group';
import type { Factors, InAndBack } from './factors';

/** Faster ways to sums over images. */
export interface Shortcuts {
  /**
   * The gradient of each group of B images, [N/B, |θ|]; null where there is no faster way for
   * groups of this size.
   */
  readonly groups?: (B: number) => Tensor | null;
  /** The gradient summed over all images, [|θ|]. */
  readonly total?: () => Tensor;
}

/**
 * Factors of a per-image gradient, [N, |θ|] (or any shape of that size, the images first). It is
 * made only if a collector asks.
 */
export function directFactors(
  operation: string,
  images: number,
  gradient: () => Tensor,
  shortcuts: Shortcuts = {},
): Factors {
  return new DirectFactors(operation, images, gradient, shortcuts);
}

/**
 * The same where groups of any size have a formula of their own: `of(B)` is the gradient of each
 * group of B images, the groups first.
 */
export function groupFactors(
  operation: string,
  images: number,
  of: (B: number) => Tensor,
): Factors {
  const total = () => (images === 0 ? tf.sum(of(1), 0) : of(images));
  return new DirectFactors(operation, images, () => of(1), {
    groups: (B) => asRows(of(B), images / B),
    total,
  });
}

export class DirectFactors implements Factors {
  /** [N/B, |θ|] */
  private readonly rows = new ByGroup((B) => this.shortcuts.groups?.(B) ?? this.summedRows(B));

  constructor(
    readonly operation: string,
    readonly images: number,
    private readonly gradient: () => Tensor,
    private readonly shortcuts: Shortcuts = {},
  ) {}

  grouped(B: number): InAndBack {
    const rows = this.rows.of(1);
    const groups = this.images / B;
    return {
      x: tf.ones([groups, B, 1]), // [N/B, B, 1]
      dy: tf.reshape(rows, [groups, B, lengthOf(rows, 1)]), // [N/B, B, |θ|]
    };
  }

  total(): Tensor {
    return this.shortcuts.total?.() ?? tf.sum(this.rows.of(1), 0);
  }

  instantiate(B: number): Tensor {
    return tf.clone(this.rows.of(B));
  }

  chosen(positions: readonly number[]): Tensor {
    return tf.tidy(() => {
      const places = tf.tensor1d([...positions], 'int32');
      return tf.gather(this.rows.of(1), places, 1); // [N, m]
    });
  }

  squaredNorms(B: number): Tensor {
    return squaredNormOfRows(this.rows.of(B));
  }

  gram(B: number): Tensor {
    const rows = this.rows.of(B);
    return matMul(rows, rows, false, true);
  }

  keep(): void {
    this.rows.of(1);
  }

  dispose(): void {
    this.rows.dispose();
  }

  private summedRows(B: number): Tensor {
    if (B === 1) return asRows(this.gradient(), this.images);
    const rows = this.rows.of(1);
    return tf.sum(tf.reshape(rows, [this.images / B, B, lengthOf(rows, 1)]), 1); // [N/B, |θ|]
  }
}

function asRows(gradient: Tensor, images: number): Tensor {
  return gradient.shape.length === 2
    ? gradient
    : tf.reshape(gradient, [images, images === 0 ? 0 : gradient.size / images]); // [N, |θ|]
}
