/**
 * # Factors by position
 *
 * Gradients as sums of outer products over the positions of an image, `Σ_t x_t ⊗ dy_t`. The squared
 * norm has two forms (Goodfellow 2015, arXiv 1510.01799; Bu et al. 2022, arXiv 2205.10683),
 *
 *     ‖Σ_t x_t dy_tᵀ‖²_F      instantiate: T·I·O products and I·O numbers to write and read,
 *     Σ_{t,s} (x_t·x_s)(dy_t·dy_s)   Gram: T²·(I+O) products and 2T² numbers,
 *
 * of which the cheaper is taken by shape.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, matMul, shape3, squaredNormOfRows, tf } from '../backend/index';
import { ByGroup } from './by-group';
import type { Factors, InAndBack } from './factors';
import { gramNorms, prefersGram } from './gram-form';

export interface OuterProductsSpec {
  readonly operation: string;
  readonly images: number;
  /** T, I and O. */
  readonly positions: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Makes `x` [N, T, I] and `dy` [N, T, O]; called at most once, only if a collector asks. */
  readonly build: () => InAndBack;
  /** Where the order of the layer's tensor is another one than [I, O]. */
  readonly order?: Order;
  /**
   * The gradient summed over all images, any shape of |θ| numbers, where there is a faster way than
   * through `x` and `dy`.
   */
  readonly total?: () => Tensor;
}

/** How rows and columns of `Σ_t x_t ⊗ dy_t` lie in the layer's tensor. */
export interface Order {
  /** From [G, I, O] to [G, |θ|] in the order of the layer's tensor. */
  readonly arrange: (gradient: Tensor) => Tensor;
  /** The row in [0, I) and the column in [0, O) of a weight, by its position in that tensor. */
  readonly locate: (position: number) => readonly [number, number];
}

export class OuterProducts implements Factors {
  private built: InAndBack | undefined;
  private readonly products = new ByGroup((B) => {
    const { x, dy } = this.grouped(B);
    return matMul(x, dy, true); // [N/B, I, O]
  });
  private summed: Tensor | undefined;

  constructor(readonly spec: OuterProductsSpec) {}

  get operation(): string {
    return this.spec.operation;
  }

  get images(): number {
    return this.spec.images;
  }

  grouped(B: number): InAndBack {
    const { x, dy } = this.parts();
    if (B === 1) return { x, dy };
    const join = (z: Tensor) => {
      const [n, t, c] = shape3(z, this.operation);
      return tf.reshape(z, [n / B, B * t, c]); // [N/B, B·T, ·]
    };
    return { x: join(x), dy: join(dy) };
  }

  keep(): void {
    this.parts();
  }

  dispose(): void {
    if (this.built !== undefined) tf.dispose([this.built.x, this.built.dy]);
    this.built = undefined;
    this.products.dispose();
    this.summed?.dispose();
    this.summed = undefined;
  }

  /** Built once, in whichever tidy, and kept for the collector's next question. */
  private parts(): InAndBack {
    this.built ??= tf.tidy(() => {
      const { x, dy } = this.spec.build();
      return { x: tf.keep(x.clone()), dy: tf.keep(dy.clone()) };
    });
    return this.built;
  }

  /** Made once. */
  total(): Tensor {
    this.summed ??= tf.keep(tf.tidy(() => this.spec.total?.() ?? this.instantiate(this.images)));
    return tf.clone(this.summed);
  }

  /**
   * Whether the squared norms of groups of B images go through the gradient itself: then
   * `product(B)` costs nothing more.
   */
  instantiates(B: number): boolean {
    const { positions, inputs, outputs } = this.spec;
    return !prefersGram(B * positions, inputs, outputs);
  }

  /** `Σ_t x_t ⊗ dy_t` of each group of B images, made once, [N/B, I, O]. */
  protected product(B: number): Tensor {
    return this.products.of(B);
  }

  instantiate(B: number): Tensor {
    return tf.tidy(() => {
      const { inputs, positions, order } = this.spec;
      if (inputs === 1 && positions === 1 && B === 1 && order === undefined) {
        const { x, dy } = this.grouped(B);
        return tf.reshape(tf.mul(x, dy), [this.images, -1]); // [N, |θ|]
      }
      const gradient = this.product(B); // [G, I, O]
      return order?.arrange(gradient) ?? tf.reshape(gradient, [this.images / B, -1]); // [G, |θ|]
    });
  }

  /** `Σ_t x_ti dy_to` of these weights, without the others. */
  chosen(positions: readonly number[]): Tensor {
    return tf.tidy(() => {
      const { x, dy } = this.grouped(1);
      const { outputs, order } = this.spec;
      const locate =
        order?.locate ?? ((k: number) => [Math.floor(k / outputs), k % outputs] as const);
      const indices = (values: readonly number[]) => tf.tensor1d([...values], 'int32');
      const places = positions.map(locate);
      const rows = tf.gather(x, indices(places.map(([row]) => row)), 2); // [N, T, m]
      const columns = tf.gather(dy, indices(places.map(([, column]) => column)), 2); // [N, T, m]
      return tf.sum(tf.mul(rows, columns), 1); // [N, m]
    });
  }

  squaredNorms(B: number): Tensor {
    return tf.tidy(() => {
      const { x, dy } = this.grouped(B);
      const [groups, t, i] = shape3(x, this.operation);
      const o = lengthOf(dy, 2);
      if (t === 1)
        return tf.mul(
          squaredNormOfRows(tf.reshape(x, [groups, i])),
          squaredNormOfRows(tf.reshape(dy, [groups, o])),
        );
      if (!this.instantiates(B)) return gramNorms(x, dy);
      return squaredNormOfRows(tf.reshape(this.product(B), [groups, i * o])); // [G, I·O]
    });
  }

  gram(B: number): Tensor {
    return tf.tidy(() => {
      const { x, dy } = this.grouped(B);
      const [groups, t] = shape3(x, this.operation);
      if (t === 1) {
        const rows = tf.reshape(x, [groups, -1]); // [G, I]
        const backs = tf.reshape(dy, [groups, -1]); // [G, O]
        return tf.mul(matMul(rows, rows, false, true), matMul(backs, backs, false, true));
      }
      const g = tf.reshape(this.product(B), [groups, -1]); // [G, I·O]
      return matMul(g, g, false, true);
    });
  }
}
