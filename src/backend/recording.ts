/**
 * # Recording the operations of an eager computation
 *
 * The native backend sends every operation to TensorFlow through one function,
 * `executeOp(name, attributes, inputs)`, in which numbers identify tensors. This file replaces that
 * function while a computation runs once; it passes every call on and notes it. The result is the
 * computation as a list of operations, from which a graph is made (`graph.ts`). Each operand is the
 * name of an input, of a constant `constantK:0`, or `opK:i`, the i-th output of operation K.
 *
 * The list holds only what happened this time. A computation that reads numbers half-way to decide
 * how to continue, or that changes a variable, would have to run differently the next time.
 * `record` notices the first case and returns null; callers have to avoid the second.
 */

import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { at } from './checked';
import { native } from './primitives';
import { tf } from './start';

export interface Attribute {
  readonly name: string;
  /** One of the binding's `TF_ATTR_…`. */
  readonly type: number;
  readonly value: unknown;
}

export interface RecordedOperation {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly operands: readonly string[];
}

export interface Constant {
  /** TensorFlow's number of the type. */
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface Recording {
  readonly operations: readonly RecordedOperation[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Where the results come from, in the order of the computation. */
  readonly results: readonly string[];
}

interface Metadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

interface Binding {
  readonly TF_ATTR_TYPE: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  executeOp(name: string, attributes: Attribute[], ids: number[], outputs: number): Metadata[];
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  tensorDataSync(id: number): ArrayBufferView;
}

interface Recordable {
  binding: Binding;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  getDTypeInteger(dtype: string): number;
}

/** The operation of `graph.cc` behind {@link sumOverParts}. */
export const SUM_OVER_PARTS = 'FisherlabSumOverParts';

/** Whether a computation is being recorded. */
let recording = false;

/**
 * The sum of `x` over all parts of a batch that a graph computes at the same time, the same for
 * each of them; where there is only one part, `x` itself. It makes of a mean over a part's images
 * one over the batch's.
 */
export function sumOverParts(x: Tensor): Tensor {
  const backend = native();
  if (!recording || backend === null) return tf.clone(x);
  return backend.executeSingleOutput(SUM_OVER_PARTS, [], [x]);
}

/** Constants of more bytes than this are not written into a graph. */
const LARGEST = 64e6;

/**
 * Runs `compute` once and notes its operations. Its results are left to the caller, who frees them.
 * @param inputs tensors by the name they shall have; whatever else the computation reads is a
 *   constant
 * @returns null where the computation cannot be had as a graph: on another backend, where it reads
 *   numbers before it ends, or where its constants are larger than 64 MB
 */
export function record(
  inputs: ReadonlyMap<string, Tensor>,
  compute: () => Tensor[],
): Recording | null {
  const backend = native() as unknown as Recordable | null;
  if (backend === null) return null;
  const { binding } = backend;
  const names = new Map<number, string>();
  for (const [name, tensor] of inputs) names.set(at(backend.getInputTensorIds([tensor]), 0), name);
  const described = new Map<number, { dtype: number; shape: readonly number[] }>();
  const operations: RecordedOperation[] = [];
  const constants = new Map<string, Constant>();
  // A constant's name by what it holds: the same axes and shapes come again and again.
  const known = new Map<string, string>();
  let [bytes, looked] = [0, false];

  const constant = (id: number): string => {
    const { dtype, shape } = described.get(id) as { dtype: number; shape: readonly number[] };
    const values = binding.tensorDataSync(id);
    const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const key = `${dtype} ${shape.join()} ${content.length <= 64 ? content.join() : `#${id}`}`;
    const name = known.get(key) ?? `constant${constants.size}:0`;
    if (!constants.has(name)) bytes += content.length;
    known.set(key, name);
    constants.set(name, { dtype, shape, bytes: content });
    return name;
  };
  const operand = (id: number): string => {
    const name = names.get(id) ?? constant(id);
    names.set(id, name);
    return name;
  };

  const standIn = Object.fromEntries(
    Object.getOwnPropertyNames(binding).map((key) => {
      const value = Reflect.get(binding, key);
      return [key, typeof value === 'function' ? value.bind(binding) : value];
    }),
  ) as unknown as Binding;
  Object.assign(standIn, {
    createTensor: (shape: number[], dtype: number, values: ArrayBufferView) => {
      const id = binding.createTensor(shape, dtype, values);
      described.set(id, { dtype, shape: [...shape] });
      return id;
    },
    executeOp: (name: string, attributes: Attribute[], ids: number[], count: number) => {
      const operands = ids.map(operand);
      const outputs =
        name === SUM_OVER_PARTS // what is recorded is one part
          ? binding.executeOp('Identity', [ofFloats(binding)], ids, count)
          : binding.executeOp(name, attributes, ids, count);
      outputs.forEach(({ id }, k) => {
        names.set(id, `op${operations.length}:${k}`);
      });
      operations.push({ name, attributes: [...attributes, ...left(name, binding)], operands });
      return outputs;
    },
    tensorDataSync: (id: number) => {
      looked = true;
      return binding.tensorDataSync(id);
    },
  });
  const idsOf = backend.getInputTensorIds.bind(backend);
  recording = true;
  try {
    backend.binding = standIn;
    backend.getInputTensorIds = (tensors) => {
      const ids = idsOf(tensors);
      tensors.forEach(({ dtype, shape }, k) => {
        const id = at<number>(ids, k);
        if (!described.has(id))
          described.set(id, { dtype: backend.getDTypeInteger(dtype), shape: [...shape] });
      });
      return ids;
    };
    const results = compute();
    if (looked || bytes > LARGEST) return null;
    return { operations, constants, results: backend.getInputTensorIds(results).map(operand) };
  } finally {
    recording = false;
    backend.binding = binding;
    Reflect.deleteProperty(backend, 'getInputTensorIds'); // the class's own again
  }
}

/**
 * Attributes that TensorFlow.js leaves to TensorFlow to infer, which it does for eager operations
 * only.
 */
function left(operation: string, binding: Binding): Attribute[] {
  if (operation !== 'ExpandDims') return [];
  const { TF_ATTR_TYPE, TF_INT32 } = binding;
  return [ofFloats(binding), { name: 'Tdim', type: TF_ATTR_TYPE, value: TF_INT32 }];
}

function ofFloats({ TF_ATTR_TYPE, TF_FLOAT }: Binding): Attribute {
  return { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT };
}
