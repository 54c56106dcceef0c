/**
 * # Every parameter gradient is a sum of outer products
 *
 * For one image and one layer θ_j the gradient of `l = log p(x)` has the form
 *
 *     ∂l/∂θ_j = Σ_t x_t ⊗ dy_t,      x_t ∈ R^I what flowed in, dy_t ∈ R^O what flowed back, at each of T positions t.
 *
 * A dense layer has T = 1; a convolution one position a pixel, with `x_t` the patch under the
 * kernel; a bias has I = 1 and `x_t = 1`; a tensor with an odd rule of its own (LU factors,
 * standardised weights) gives its per-image gradient outright: T = I = 1, `x = 1`. Constants from
 * log-determinants are part of `dy` for each image.
 *
 * Everything one wants of a gradient is a function of these two arrays, and the gradient of a
 * *joint* log-likelihood of B images needs nothing new: B images are one image with B·T positions
 * (reshape `[N, T, ·]` to `[N/B, B·T, ·]`). The squared norm has two forms (Goodfellow 2015, arXiv
 * 1510.01799; Bu et al. 2022, arXiv 2205.10683),
 *
 *     ‖Σ_t x_t dy_tᵀ‖²_F      instantiate: T·I·O products and I·O numbers to write and read,
 *     Σ_{t,s} (x_t·x_s)(dy_t·dy_s)   Gram: T²·(I+O) products and 2T² numbers,
 *
 * of which the cheaper is taken by shape.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { matMul, squaredNormOfRows, tf } from '../backend/index';
import { gramNorms, prefersGram } from './gram-form';

/**
 * A tensor for each size B of the groups that are asked for, made once and kept until `dispose`.
 */
export class ByGroup {
  private readonly made = new Map<number, Tensor>();

  constructor(private readonly make: (B: number) => Tensor) {}

  of(B: number): Tensor {
    const known = this.made.get(B);
    if (known !== undefined) return known;
    const tensor = tf.keep(tf.tidy(() => this.make(B).clone()));
    this.made.set(B, tensor);
    return tensor;
  }

  dispose(): void {
    tf.dispose([...this.made.values()]);
    this.made.clear();
  }
}

export interface FactorsSpec {
  /** The operation, for messages: `convolution`. */
  readonly operation: string;
  readonly images: number;
  /** T, I and O. */
  readonly positions: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Makes `x` [N, T, I] and `dy` [N, T, O]; called at most once, only if a visitor needs them. */
  readonly build: () => { x: Tensor; dy: Tensor };
  /**
   * From [G, I, O] to [G, |θ|] in the order of the layer's tensor. Left out where that is a mere
   * reshape.
   */
  readonly arrange?: (gradient: Tensor) => Tensor;
  /**
   * Where `arrange` is given: the row in [0, I) and the column in [0, O) of a weight, by its
   * position in the layer's tensor.
   */
  readonly locate?: (position: number) => readonly [number, number];
  /**
   * The gradient summed over all images, any shape of |θ| numbers, where there is a faster way than
   * through `x` and `dy`.
   */
  readonly total?: () => Tensor;
}

/**
 * The gradients of one layer for each image of a batch, in factored form. Lives only while a
 * visitor looks at it.
 */
export class Factors {
  private built: { x: Tensor; dy: Tensor } | undefined;
  private readonly products = new ByGroup((B) => {
    const { x, dy } = this.grouped(B);
    return matMul(x, dy, true); // [N/B, I, O]
  });
  private summed: Tensor | undefined;

  constructor(private readonly spec: FactorsSpec) {}

  /**
   * A per-image gradient given outright, [N, |θ|] (or any shape of that size, the images first).
   */
  static direct(
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
  static ofGroups(operation: string, images: number, of: (B: number) => Tensor): Factors {
    const total = () => (images === 0 ? tf.sum(of(1), 0) : of(images));
    return new DirectFactors(operation, images, () => of(1), {
      groups: (B) => asRows(of(B), images / B),
      total,
    });
  }

  /**
   * The gradient of a layer that was used several times: its positions are those of all its uses.
   */
  static sum(uses: readonly Factors[]): Factors {
    const first = (uses[0] as Factors).spec;
    const join = (pick: (f: Factors) => Tensor) =>
      uses.every((f) => f.spec.arrange === undefined) ? tf.concat(uses.map(pick), 1) : null;
    const x = join((f) => f.x); // [N, ΣT, I]
    const dy = join((f) => f.dy); // [N, ΣT, O]
    if (x === null || dy === null || uses.some((f) => f.x.shape[2] !== uses[0]?.x.shape[2])) {
      return Factors.direct(first.operation, first.images, () =>
        tf.addN(uses.map((f) => f.instantiate(1))),
      );
    }
    return new Factors({
      ...first,
      positions: x.shape[1] as number,
      build: () => ({ x, dy }),
      total: undefined,
      arrange: undefined,
      locate: undefined,
    });
  }

  get operation(): string {
    return this.spec.operation;
  }

  get images(): number {
    return this.spec.images;
  }

  /** What flowed in, [N, T, I]. */
  get x(): Tensor {
    return this.parts().x;
  }

  /** What flowed back, [N, T, O]. */
  get dy(): Tensor {
    return this.parts().dy;
  }

  /** Builds `x` and `dy` now, for a use after the tensors they are made of are gone. */
  keep(): void {
    this.parts();
  }

  /** Frees what was built. Whoever hands factors to a visitor calls it afterwards. */
  dispose(): void {
    if (this.built !== undefined) tf.dispose([this.built.x, this.built.dy]);
    this.built = undefined;
    this.products.dispose();
    this.summed?.dispose();
    this.summed = undefined;
  }

  /** Built once, in whichever tidy, and kept for the visitor's next question. */
  private parts(): { x: Tensor; dy: Tensor } {
    this.built ??= tf.tidy(() => {
      const { x, dy } = this.spec.build();
      return { x: tf.keep(x.clone()), dy: tf.keep(dy.clone()) };
    });
    return this.built;
  }

  /**
   * The gradient summed over all images, made once; any shape of |θ| numbers in the layer's order.
   */
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

  /** The gradient of each group of B images, [N/B, |θ|]. */
  instantiate(B: number): Tensor {
    return tf.tidy(() => {
      const { x, dy } = this.grouped(B);
      const [groups, , i] = x.shape as [number, number, number];
      if (i === 1 && this.spec.positions === 1 && B === 1 && this.spec.arrange === undefined)
        return tf.reshape(tf.mul(x, dy), [groups, -1]); // [G, |θ|]
      const gradient = this.product(B); // [G, I, O]
      return this.spec.arrange?.(gradient) ?? tf.reshape(gradient, [groups, -1]); // [G, |θ|]
    });
  }

  /**
   * The gradients of chosen weights for each image, [N, m], without the others: `Σ_t x_ti dy_to`.
   * `positions` are places in the layer's flat tensor.
   */
  chosen(positions: readonly number[]): Tensor {
    return tf.tidy(() => {
      const { x, dy } = this.grouped(1);
      const o = dy.shape[2] as number;
      const locate =
        this.spec.locate ??
        (this.spec.arrange === undefined
          ? (k: number) => [Math.floor(k / o), k % o] as const
          : null);
      const indices = (values: readonly number[]) => tf.tensor1d([...values], 'int32');
      if (locate === null) return tf.gather(this.instantiate(1), indices(positions), 1); // [N, m]
      const places = positions.map(locate);
      const rows = tf.gather(x, indices(places.map(([row]) => row)), 2); // [N, T, m]
      const columns = tf.gather(dy, indices(places.map(([, column]) => column)), 2); // [N, T, m]
      return tf.sum(tf.mul(rows, columns), 1); // [N, m]
    });
  }

  /** Squared norm of the gradient of each group of B images, [N/B]. */
  squaredNorms(B: number): Tensor {
    return tf.tidy(() => {
      const { x, dy } = this.grouped(B);
      const [groups, t, i] = x.shape as [number, number, number];
      const o = dy.shape[2] as number;
      if (t === 1)
        return tf.mul(
          squaredNormOfRows(tf.reshape(x, [groups, i])),
          squaredNormOfRows(tf.reshape(dy, [groups, o])),
        );
      if (!this.instantiates(B)) {
        return gramNorms(x, dy);
      }
      return squaredNormOfRows(tf.reshape(this.product(B), [groups, i * o])); // [G, I·O]
    });
  }

  /**
   * Inner products between the gradients of all groups of B images: the Gram matrix, [N/B, N/B].
   */
  gram(B: number): Tensor {
    return tf.tidy(() => {
      const { x, dy } = this.grouped(B);
      const [groups, t] = x.shape as [number, number, number];
      if (t === 1) {
        const [rows, backs] = [tf.reshape(x, [groups, -1]), tf.reshape(dy, [groups, -1])]; // [G, I], [G, O]
        return tf.mul(matMul(rows, rows, false, true), matMul(backs, backs, false, true));
      }
      const g = tf.reshape(this.product(B), [groups, -1]); // [G, I·O]
      return matMul(g, g, false, true);
    });
  }

  /** `x` and `dy` with B images as one: [N/B, B·T, ·]. */
  grouped(B: number): { x: Tensor; dy: Tensor } {
    if (B === 1) return { x: this.x, dy: this.dy };
    const groups = this.images / B;
    const join = (z: Tensor) =>
      tf.reshape(z, [groups, B * (z.shape[1] as number), z.shape[2] as number]); // [N/B, B·T, ·]
    return { x: join(this.x), dy: join(this.dy) };
  }
}

/** Faster ways to sums over images of a gradient that is given outright. */
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
 * Factors of a gradient that is there outright: T = I = 1, `x = 1`. All questions are answered from
 * its rows.
 */
class DirectFactors extends Factors {
  /** [N/B, |θ|] */
  private readonly rows = new ByGroup((B) => this.shortcuts.groups?.(B) ?? this.summedRows(B));

  constructor(
    operation: string,
    images: number,
    private readonly gradient: () => Tensor,
    private readonly shortcuts: Shortcuts,
  ) {
    const build = () => ({ x: tf.ones([images, 1, 1]), dy: tf.expandDims(this.rows.of(1), 1) }); // [N, 1, 1], [N, 1, |θ|]
    super({ operation, images, positions: 1, inputs: 1, outputs: -1, build });
  }

  override total(): Tensor {
    return this.shortcuts.total?.() ?? tf.sum(this.rows.of(1), 0);
  }

  override instantiate(B: number): Tensor {
    return tf.clone(this.rows.of(B));
  }

  override squaredNorms(B: number): Tensor {
    return squaredNormOfRows(this.rows.of(B));
  }

  override gram(B: number): Tensor {
    const rows = this.rows.of(B);
    return matMul(rows, rows, false, true);
  }

  override chosen(positions: readonly number[]): Tensor {
    return tf.tidy(() => tf.gather(this.rows.of(1), tf.tensor1d([...positions], 'int32'), 1)); // [N, m]
  }

  override dispose(): void {
    this.rows.dispose();
    super.dispose();
  }

  private summedRows(B: number): Tensor {
    if (B === 1) return asRows(this.gradient(), this.images);
    const rows = this.rows.of(1);
    return tf.sum(tf.reshape(rows, [this.images / B, B, rows.shape[1] as number]), 1); // [N/B, |θ|]
  }
}

function asRows(gradient: Tensor, images: number): Tensor {
  return gradient.shape.length === 2
    ? gradient
    : tf.reshape(gradient, [images, images === 0 ? 0 : gradient.size / images]); // [N, |θ|]
}
