/**
 * # Factors of a convolution's filter
 *
 * What flowed in at position p is the patch under the kernel, so
 *
 *     ∂l/∂W = Σ_p patch(x, p) ⊗ dy_p.
 *
 * Where the output has fewer channels than the input and the stride is 1, the same sum is taken
 * from the other side, `∂l/∂W[k] = Σ_u x_u ⊗ dy_{u−k+pad}`, because the patches of the narrower
 * side are the smaller array.
 */
import type { Tensor } from '@tensorflow/tfjs';
import {
  convolveFilterGrad,
  patches,
  type Shape4,
  shape4,
  tf,
  type Window,
  windowLength,
} from '../../backend/index';
import { OuterProducts, type OuterProductsSpec } from '../outer-products';

/** The gradients of a filter [kh, kw, I, O]. */
export class ConvolutionFactors extends OuterProducts {
  constructor(
    spec: OuterProductsSpec,
    /** A filter as a matrix in the order of the products, [k·I, O]. */
    private readonly asProduct: (filter: Tensor) => Tensor,
  ) {
    super(spec);
  }

  /**
   * `Σ_{k,i} W[k,i,o] ∂l/∂W[k,i,o]` for each group of B images and each channel o of the output,
   * [N/B, O].
   */
  alongFilter(filter: Tensor, B: number): Tensor {
    return tf.tidy(() => {
      const matrix = this.asProduct(filter);
      const gradients = tf.reshape(this.product(B), [-1, ...matrix.shape]); // [N/B, P, O]
      return tf.sum(tf.mul(gradients, matrix), 1); // [N/B, O]
    });
  }
}

/**
 * The factors of a filter [kh, kw, I, O] from what flowed in, `x` [N, H, W, I], and back, `dy` [N,
 * H', W', O].
 */
export function convolutionFactors(
  operation: string,
  x: Tensor,
  dy: Tensor,
  filterShape: Shape4,
  window: Window,
): ConvolutionFactors {
  const [kh, kw, i, o] = filterShape;
  const [n, h, w] = shape4(x, operation);
  const taps = kh * kw;
  const total = () => convolveFilterGrad(x, dy, filterShape, window);
  const mirrored =
    window.stride === 1 && kh === 2 * window.pad + 1 && kw === kh && taps > 1 && o < i;
  if (mirrored) {
    const spec: OuterProductsSpec = {
      operation,
      images: n,
      positions: h * w,
      inputs: i,
      outputs: taps * o,
      build: () => ({
        x: tf.reshape(x, [n, h * w, i]), // [N, T, I]
        dy: patches(dy, window), // [N, T, k·O], taps in reverse
      }),
      order: {
        arrange: (g) =>
          tf.reshape(tf.transpose(tf.reverse(tf.reshape(g, [-1, i, taps, o]), 2), [0, 2, 1, 3]), [
            -1,
            taps * i * o,
          ]), // [G, k·I·O]
        locate: (position) => {
          const [tap, place] = [Math.floor(position / (i * o)), position % (i * o)];
          return [Math.floor(place / o), (taps - 1 - tap) * o + (place % o)];
        },
      },
      total,
    };
    return new ConvolutionFactors(spec, (filter) => {
      const turned = tf.reverse(tf.reshape(filter, [taps, i, o]), 0); // [k, I, O]
      return tf.reshape(tf.transpose(turned, [1, 0, 2]), [i * taps, o]); // [I·k, O]
    });
  }
  const t = windowLength(h, kh, window) * windowLength(w, kw, window);
  const spec: OuterProductsSpec = {
    operation,
    images: n,
    positions: t,
    inputs: taps * i,
    outputs: o,
    build: () => ({
      x: patches(x, window), // [N, T, k·I]
      dy: tf.reshape(dy, [n, t, o]), // [N, T, O]
    }),
    total,
  };
  return new ConvolutionFactors(spec, (filter) => tf.reshape(filter, [taps * i, o])); // [k·I, O]
}
