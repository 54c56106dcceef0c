/**
 * Models so small that their Fisher information is known in closed form. Each samples itself
 * exactly: no 8-bit grid.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../src/backend/start';
import { directFactors } from '../../src/gradients/direct-factors';
import { type Layer, makeLayer } from '../../src/gradients/layer';
import { actnorm } from '../../src/gradients/operations/actnorm';
import { gaussianLogDensity } from '../../src/gradients/operations/coupling';
import { sum } from '../../src/gradients/operations/plumbing';
import { OuterProducts } from '../../src/gradients/outer-products';
import type { Tape, Value } from '../../src/gradients/tape';
import { type ImageShape, TapedModel } from '../../src/models/model';
import { normals } from '../../src/numerics/random';

abstract class Tiny extends TapedModel {
  readonly family = 'tiny';
  override readonly buffers: readonly Layer[] = [];
  override noise(indices: readonly number[], _seed: number): Tensor {
    return tf.zeros([indices.length]);
  }
}

const LOG_TWO_PI = Math.log(2 * Math.PI);

/**
 * Linear and Gaussian: x = hA + e^{−s} z for a known h [p] and z standard normal, [d].
 * F of A is hhᵀ ⊗ diag e^{2s}; of s it is 2I; between them it is 0.
 */
export class LinearGaussian extends Tiny {
  readonly imageShape: ImageShape;
  readonly layers: readonly Layer[];

  constructor(
    readonly h: Float32Array,
    A: Float32Array,
    readonly s: Float32Array,
  ) {
    super();
    this.imageShape = [1, 1, s.length];
    // A is [p, d] here, [d, p] in PyTorch's layout.
    const [p, d] = [h.length, s.length];
    const transposed = Float32Array.from(
      { length: p * d },
      (_, k) => A[(k % p) * d + Math.floor(k / p)] as number,
    );
    this.layers = [
      makeLayer('mean.weight', 'dense', [d, p], transposed),
      makeLayer('logs', 'plain', [d], s),
    ];
  }

  private parts(): [Layer, Layer] {
    return this.layers as [Layer, Layer];
  }

  override trace(tape: Tape, images: Value, _noise: Tensor): Value {
    const [A, logs] = this.parts();
    const [n, p, d] = [images.shape[0] as number, this.h.length, this.s.length];
    const scale = tf.exp(logs.variable);
    const h = tf.tensor2d(this.h, [1, p]);
    const z = tf.mul(
      tf.sub(tf.reshape(images.tensor, [n, d]), tf.matMul(h, A.variable as never)),
      scale,
    ); // [N, d]
    const l = tf.sum(tf.sub(logs.variable, tf.add(tf.mul(0.5, tf.square(z)), LOG_TWO_PI / 2)), 1);
    const back = (): [null] => {
      tape.gradient(
        A,
        new OuterProducts({
          operation: 'linear-Gaussian',
          images: n,
          positions: 1,
          inputs: p,
          outputs: d,
          build: () => ({
            x: tf.tile(tf.reshape(h, [1, 1, p]), [n, 1, 1]),
            dy: tf.reshape(tf.mul(z, scale), [n, 1, d]),
          }),
        }),
      );
      tape.gradient(
        logs,
        directFactors('linear-Gaussian', n, () => tf.sub(1, tf.square(z))),
      );
      return [null];
    };
    return tape.apply({
      inputs: [images],
      layers: [A, logs],
      output: l,
      saved: [z, scale, h],
      back,
    });
  }

  override sample(n: number, seed: number): Tensor {
    const [A, logs] = this.parts();
    const [p, d] = [this.h.length, this.s.length];
    return tf.tidy(() => {
      const z = tf.tensor2d(normals(seed, n * d), [n, d]);
      const mean = tf.matMul(tf.tensor2d(this.h, [1, p]), A.variable as never);
      return tf.reshape(tf.add(mean, tf.mul(z, tf.exp(tf.neg(logs.variable)))), [n, 1, 1, d]);
    });
  }
}

/**
 * A linear flow z = xW, l = log|det W| + log N(z), with W = C·V for a known C [d, d] (the identity
 * by default) and V the parameter. Along a direction δV, with M = W⁻¹ C δV, the information is
 * ‖M‖²_F + tr M².
 */
export class LinearFlow extends Tiny {
  readonly imageShape: ImageShape;
  readonly layers: readonly Layer[];

  constructor(
    readonly d: number,
    V: Float32Array,
    readonly C: Float32Array = identity(d),
  ) {
    super();
    this.imageShape = [1, 1, d];
    this.layers = [makeLayer('weight', 'plain', [d, d], V)];
  }

  private matrices(): { C: Tensor; W: Tensor } {
    const C = tf.tensor2d(this.C, [this.d, this.d]);
    return { C, W: tf.matMul(C as never, (this.layers[0] as Layer).variable as never) };
  }

  override trace(tape: Tape, images: Value, _noise: Tensor): Value {
    const [weight] = this.layers as [Layer];
    const { d } = this;
    const n = images.shape[0] as number;
    const { C, W } = this.matrices();
    const x = tf.reshape(images.tensor, [n, d]);
    const z = tf.matMul(x as never, W as never);
    const values = W.dataSync() as Float32Array;
    const logDet = Math.log(Math.abs(determinant(Float64Array.from(values), d)));
    const constant = tf.matMul(
      C as never,
      tf.tensor2d(Float32Array.from(inverse(values, d)), [d, d]),
      true,
      true,
    ); // Cᵀ W⁻ᵀ
    const l = tf.add(tf.mul(-0.5, tf.sum(tf.square(z), 1)), logDet - (d * LOG_TWO_PI) / 2);
    const inputs = tf.matMul(x as never, C as never); // ∂z/∂V goes through xC
    const back = (): [null] => {
      tape.gradient(
        weight,
        directFactors('linear flow', n, () => {
          const [column, row] = [tf.reshape(inputs, [n, d, 1]), tf.reshape(z, [n, 1, d])];
          const product = tf.mul(column, row); // [N, d, d]
          return tf.reshape(tf.sub(constant, product), [n, d * d]);
        }),
      );
      return [null];
    };
    return tape.apply({
      inputs: [images],
      layers: [weight],
      output: l,
      saved: [inputs, z, constant],
      back,
    });
  }

  override sample(n: number, seed: number): Tensor {
    return tf.tidy(() => {
      const z = tf.tensor2d(normals(seed, n * this.d), [n, this.d]);
      const back = tf.tensor2d(Float32Array.from(inverse(this.matrices().W.dataSync(), this.d)), [
        this.d,
        this.d,
      ]);
      return tf.reshape(tf.matMul(z, back), [n, 1, 1, this.d]);
    });
  }

  /** F [d² × d²] in closed form. */
  information(): Float64Array {
    const { d } = this;
    const values = tf.tidy(() => this.matrices().W.dataSync());
    const back = inverse(values, d);
    const relative = (index: number) => {
      // M = W⁻¹ C E_ij: column j is column i of W⁻¹ C.
      const [i, j] = [Math.floor(index / d), index % d];
      const M = new Float64Array(d * d);
      for (let r = 0; r < d; r++) {
        for (let k = 0; k < d; k++)
          M[r * d + j] =
            (M[r * d + j] as number) + (back[r * d + k] as number) * (this.C[k * d + i] as number);
      }
      return M;
    };
    const directions = Array.from({ length: d * d }, (_, k) => relative(k));
    return Float64Array.from({ length: d ** 4 }, (_, k) => {
      const [M, N] = [directions[Math.floor(k / (d * d))], directions[k % (d * d)]] as [
        Float64Array,
        Float64Array,
      ];
      let total = 0;
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++)
          total += (M[i * d + j] as number) * ((N[i * d + j] as number) + (N[j * d + i] as number));
      }
      return total;
    });
  }
}

/**
 * An actnorm on T pixels, from the project's own operations: F of the bias is T e^{2s}, of the log
 * scale 2T, between them 0.
 */
export class ActnormFlow extends Tiny {
  readonly layers: readonly Layer[];

  constructor(
    readonly imageShape: ImageShape,
    b: Float32Array,
    readonly s: Float32Array,
  ) {
    super();
    const c = imageShape[2];
    this.layers = [
      makeLayer('actnorm.bias', 'plain', [1, c, 1, 1], b),
      makeLayer('actnorm.logs', 'plain', [1, c, 1, 1], s),
    ];
  }

  override trace(tape: Tape, images: Value, _noise: Tensor): Value {
    const [bias, logs] = this.layers as [Layer, Layer];
    const { y, logDet } = actnorm(tape, images, bias, logs);
    const zero = tape.constant(tf.zeros(y.shape));
    return sum(tape, [logDet, gaussianLogDensity(tape, y, zero, zero)]);
  }

  override sample(n: number, seed: number): Tensor {
    const [bias, logs] = this.layers as [Layer, Layer];
    return tf.tidy(() => {
      const shape = [n, ...this.imageShape];
      const z = tf.tensor(
        normals(
          seed,
          shape.reduce((a, b) => a * b),
        ),
        shape,
      );
      return tf.sub(tf.mul(z, tf.exp(tf.neg(logs.variable))), bias.variable);
    });
  }
}

export function identity(d: number): Float32Array {
  return Float32Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
}

export function inverse(A: ArrayLike<number>, d: number): Float64Array {
  const rows = Array.from({ length: d }, (_, i) => [
    ...Array.from({ length: d }, (_, j) => A[i * d + j] as number),
    ...Array.from({ length: d }, (_, j) => (i === j ? 1 : 0)),
  ]);
  for (let i = 0; i < d; i++) {
    const best = rows.reduce(
      (at, row, r) =>
        r >= i && Math.abs(row[i] as number) > Math.abs(rows[at]?.[i] as number) ? r : at,
      i,
    );
    [rows[i], rows[best]] = [rows[best] as number[], rows[i] as number[]];
    const pivot = rows[i]?.[i] as number;
    rows[i] = (rows[i] as number[]).map((value) => value / pivot);
    for (let r = 0; r < d; r++) {
      const factor = rows[r]?.[i] as number;
      if (r !== i)
        rows[r] = (rows[r] as number[]).map(
          (value, k) => value - factor * (rows[i]?.[k] as number),
        );
    }
  }
  return Float64Array.from(rows.flatMap((row) => row.slice(d)));
}

export function determinant(A: Float64Array, d: number): number {
  if (d === 1) return A[0] as number;
  let total = 0;
  for (let j = 0; j < d; j++) {
    const minor = Float64Array.from({ length: (d - 1) ** 2 }, (_, k) => {
      const [r, c] = [1 + Math.floor(k / (d - 1)), k % (d - 1)];
      return A[r * d + (c < j ? c : c + 1)] as number;
    });
    total += (j % 2 === 0 ? 1 : -1) * (A[j] as number) * determinant(minor, d - 1);
  }
  return total;
}

/** gᵀ (F + λI)⁻¹ g in float64. */
export function statistic(F: ArrayLike<number>, lambda: number, g: ArrayLike<number>): number {
  const P = g.length;
  const damped = Float64Array.from(
    { length: P * P },
    (_, k) => (F[k] as number) + (k % (P + 1) === 0 ? lambda : 0),
  );
  const back = inverse(damped, P);
  let total = 0;
  for (let i = 0; i < P; i++)
    for (let j = 0; j < P; j++)
      total += (g[i] as number) * (back[i * P + j] as number) * (g[j] as number);
  return total;
}
