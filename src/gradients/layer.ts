/**
 * # A layer is one named parameter tensor
 *
 * In the paper a "layer" θ_j is one tensor of the model's parameters: a weight and its bias are two
 * layers (1353 of them in its Glow). Tensors are kept in TensorFlow's layout and know PyTorch's, in
 * which the reference values, and weights trained elsewhere, are written:
 *
 * | layout | TensorFlow | PyTorch |
 * |---|---|---|
 * | `convolution` | `[kh, kw, in, out]` | `[out, in, kh, kw]` |
 * | `convolution`, transposed | `[kh, kw, out, in]` | `[in, out, kh, kw]` |
 * | `dense` | `[in, out]` | `[out, in]` |
 * | `plain` | the same numbers in the same order | any shape of that size |
 */
import type { Rank, Tensor, Variable } from '@tensorflow/tfjs';
import { at, tf } from '../backend/index';
import { FisherlabError } from '../errors';

export type Layout = 'convolution' | 'dense' | 'plain';

export interface Layer {
  /** The reference's name: `flow.layers.1.actnorm.bias`. */
  readonly name: string;
  readonly layout: Layout;
  /** The shape of the tensor in PyTorch's layout. */
  readonly torchShape: readonly number[];
  /** The values, in TensorFlow's layout. */
  readonly variable: Variable<Rank>;
  /** A frozen layer is not trained and makes no feature. */
  readonly frozen: boolean;
}

const toTensorFlow: Record<Layout, number[] | null> = {
  convolution: [2, 3, 1, 0],
  dense: [1, 0],
  plain: null,
};
const toTorch: Record<Layout, number[] | null> = {
  convolution: [3, 2, 0, 1],
  dense: [1, 0],
  plain: null,
};

/**
 * The shape a layer's tensor has here. `plain` tensors lose axes of length 1 and become vectors or
 * matrices.
 */
export function tensorFlowShape(layout: Layout, torchShape: readonly number[]): number[] {
  const order = toTensorFlow[layout];
  if (order !== null) return order.map((axis) => at(torchShape, axis));
  return torchShape.filter((length) => length !== 1).length === 0
    ? [1]
    : torchShape.filter((length) => length !== 1);
}

/** Makes a layer from values in PyTorch's order. */
export function makeLayer(
  name: string,
  layout: Layout,
  torchShape: readonly number[],
  values: Float32Array,
  frozen = false,
): Layer {
  return {
    name,
    layout,
    torchShape,
    frozen,
    variable: tf.tidy(() => tf.variable(fromTorch(layout, torchShape, values, name), !frozen)),
  };
}

/** Replaces a layer's values by `values`, in PyTorch's order. */
export function setLayer(layer: Layer, values: Float32Array): void {
  tf.tidy(() =>
    layer.variable.assign(
      tf.reshape(
        fromTorch(layer.layout, layer.torchShape, values, layer.name),
        layer.variable.shape,
      ),
    ),
  );
}

/** A layer's values in PyTorch's order. */
export function layerValues(layer: Layer): Float32Array {
  return tf.tidy(() => {
    const order = toTorch[layer.layout];
    return (
      order === null ? layer.variable : tf.transpose(layer.variable, order)
    ).dataSync() as Float32Array;
  });
}

/** Number of elements: |θ_j|. */
export function layerSize(layer: Layer): number {
  return layer.variable.size;
}

function fromTorch(
  layout: Layout,
  torchShape: readonly number[],
  values: Float32Array,
  name: string,
): Tensor {
  const size = torchShape.reduce((product, length) => product * length, 1);
  if (values.length !== size) {
    throw new FisherlabError(
      `tensor '${name}' has ${values.length} values`,
      `its shape [${torchShape.join(', ')}] needs ${size}`,
    );
  }
  const order = toTensorFlow[layout];
  if (order === null) return tf.tensor(values, tensorFlowShape(layout, torchShape));
  return tf.transpose(tf.tensor(values, [...torchShape]), order);
}
