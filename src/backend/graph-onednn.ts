/**
 * # A graph's operations, done by oneDNN
 *
 * oneDNN, the library below TensorFlow's convolutions on processors, also has a convolution with
 * bias and ReLU in one, the gradient to a convolution's input and products of many small matrices.
 * A graph asks for them by names and attributes that eager operations do not accept; the plain
 * names lead to Eigen. The results agree to the last digits. On two cores, GF/s a core:
 *
 * | | Eigen | oneDNN |
 * |---|---|---|
 * | 16 products for the norms, 64x256 with 256x108 | 21 to 37 | 55 to 73 |
 * | convolution 1x1, 512 to 512 channels, with ReLU | 49 to 54 | 77 |
 * | convolution 3x3, 6 to 64 channels, with ReLU | 33 | 57 |
 */
import { attribute, graphDefinition, node } from './graph-definition';
import type { Attribute, RecordedOperation } from './recording';

/**
 * Kinds of attributes that eager operations do not have, or that are added here; TensorFlow.js's
 * own are from 0 on.
 */
export const KINDS = { string: -1, strings: -2, types: -3, integer: -4 } as const;

const KERNEL: Attribute = { name: '_kernel', type: KINDS.string, value: 'MklNameChangeOp' };
const FUSED = '_MklNativeFusedConv2D';
/** What `_MklNativeFusedConv2D` does behind the convolution: one operand more, of type float32. */
const BIAS_AND_RELU: readonly Attribute[] = [
  { name: 'num_args', type: KINDS.integer, value: 1 },
  { name: 'TArgs', type: KINDS.types, value: [1] },
  { name: 'fused_ops', type: KINDS.strings, value: ['BiasAdd', 'Relu'] },
];

/** What oneDNN does under another name. */
const RENAMED = new Map([
  ['Conv2DBackpropInput', '_MklNativeConv2DBackpropInput'],
  ['BatchMatMulV2', '_MklBatchMatMulV2'],
]);

const WITH_BIAS = '_MklNativeConv2DWithBias';

/**
 * The operations as oneDNN does them best, null where one is left out: a convolution with bias
 * whose output goes through a ReLU and nowhere else is one with it.
 */
export function asOneDnnLikes(
  operations: readonly RecordedOperation[],
  results: readonly string[],
): (RecordedOperation | null)[] {
  const uses = new Map<string, number>();
  for (const name of [...operations.flatMap(({ operands }) => operands), ...results])
    uses.set(name, (uses.get(name) ?? 0) + 1);
  const changed: (RecordedOperation | null)[] = [...operations];
  operations.forEach((operation, k) => {
    const { name, operands, attributes } = operation;
    const place = Number(operands[0]?.slice(2, -2));
    const source = operations[place];
    const renamed = RENAMED.get(name);
    if (name === 'Relu' && source?.name === WITH_BIAS && uses.get(operands[0] as string) === 1) {
      changed[place] = null;
      changed[k] = {
        name: FUSED,
        operands: source.operands,
        attributes: [...source.attributes, ...BIAS_AND_RELU],
      };
    } else if (renamed !== undefined) {
      changed[k] = { name: renamed, operands, attributes: [...attributes, KERNEL] };
    }
  });
  return changed;
}

/**
 * A graph with one of each of these operations, all of them on single numbers, and its output:
 * where it does not run, neither do they. `types` are TensorFlow's numbers.
 */
export function trial(types: { readonly TF_FLOAT: number; readonly TF_INT32: number }): {
  graph: Uint8Array;
  output: string;
} {
  const T = attribute.type(types.TF_FLOAT);
  const one = (rank: number) => Array.from({ length: rank }, () => 1);
  const numbers = (name: string, rank: number) =>
    node(name, 'Const', [], {
      dtype: T,
      value: attribute.tensor(types.TF_FLOAT, one(rank), new Uint8Array(Float32Array.of(1).buffer)),
    });
  const shape = attribute.tensor(
    types.TF_INT32,
    [4],
    new Uint8Array(Int32Array.of(1, 1, 1, 1).buffer),
  );
  const _kernel = attribute.string('MklNameChangeOp');
  const convolution = {
    T,
    _kernel,
    strides: attribute.integers([1, 1, 1, 1]),
    padding: attribute.string('SAME'),
  };
  const fused = {
    num_args: attribute.integer(1),
    TArgs: attribute.types([1]),
    fused_ops: attribute.strings(['BiasAdd', 'Relu']),
  };
  const nodes = [
    numbers('image', 4),
    numbers('matrix', 3),
    numbers('bias', 1),
    node('shape', 'Const', [], { dtype: attribute.type(types.TF_INT32), value: shape }),
    node('fused', FUSED, ['image', 'image', 'bias'], { ...convolution, ...fused }),
    node('back', '_MklNativeConv2DBackpropInput', ['shape', 'image', 'fused'], convolution),
    node('product', '_MklBatchMatMulV2', ['matrix', 'matrix'], {
      T,
      _kernel,
      adj_x: attribute.boolean(true),
    }),
    node('sum', 'AddV2', ['back', 'product'], { T }),
  ];
  return { graph: graphDefinition(nodes), output: 'sum:0' };
}
