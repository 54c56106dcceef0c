/**
 * # Replaying a computation as one graph
 *
 * An eager operation costs 20 to 40 µs before it computes anything, and a pass of a small model has thousands of them; in between, cores wait. Recorded once (`recording.ts`) and handed to TensorFlow as a graph, the same
 * operations run back to back, those that do not depend on each other at the same time. And since images do not depend on each other at all, the graph holds the computation several times, each for a part of the images:
 *
 *     batch [p·n, …] → split → p × (the recorded operations) → rows joined, sums added
 *
 * so that every core has a pass of its own, of as few images as its cache holds. The operations are TensorFlow.js's own, with the same attributes; only convolutions are written as oneDNN likes them.
 */
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs';
import { isOffered } from './convolution-with-bias';
import { attribute, graphDefinition, node, sessionConfiguration } from './graph-definition';
import { addonFolder, tf } from './index';
import { native } from './primitives';
import { type Attribute, type RecordedOperation, type Recording, record } from './recording';

/** A computation over images, all float32: `rows` have the images (or groups of them) along the first axis, `sums` are sums over them. */
export type Computation = (batch: readonly Tensor[]) => { readonly rows: readonly Tensor[]; readonly sums: readonly Tensor[] };

/** The two functions of `setup/graph.cc`. */
interface Addon {
  compile(graph: Uint8Array, config: Uint8Array, inputs: readonly string[], outputs: readonly string[]): object;
  run(handle: object, inputs: readonly Float32Array[], shapes: readonly (readonly number[])[]): Float32Array[];
}

type Types = Record<
  | 'TF_FLOAT'
  | 'TF_INT32'
  | 'TF_ATTR_TYPE'
  | 'TF_ATTR_INT'
  | 'TF_ATTR_FLOAT'
  | 'TF_ATTR_BOOL'
  | 'TF_ATTR_STRING'
  | 'TF_ATTR_SHAPE',
  number
>;

export class Graph {
  private constructor(
    private readonly addon: Addon,
    private readonly handle: object,
    /** Images of a call. */
    readonly images: number,
    private readonly rows: number,
  ) {}

  /**
   * Records `compute` on `batch` [n, …] and makes a graph that does it for `parts` such batches at once.
   * @param batch float32, the images along the first axis
   * @param shared float32 tensors that `compute` reads and that may hold other numbers at every call: weights
   * @returns null where the computation cannot be had as a graph (see {@link record})
   */
  static of(compute: Computation, batch: readonly Tensor[], shared: readonly Tensor[], parts: number): Graph | null {
    const inputs = new Map<string, Tensor>();
    for (const [k, tensor] of batch.entries()) inputs.set(`batch${k}`, tensor);
    for (const [k, tensor] of shared.entries()) inputs.set(`shared${k}`, tensor);
    let rows = 0;
    const backend = native();
    if (backend !== null) isOffered(backend); // tried now, for the trial is not part of what is recorded
    tf.engine().startScope();
    try {
      const recording = record(inputs, () => {
        const results = compute(batch);
        rows = results.rows.length;
        return [...results.rows, ...results.sums];
      });
      if (recording === null) return null;
      const outputs = recording.results.map((_, k) => `output${k}`);
      const addon = require(path.join(addonFolder(), 'graph.node')) as Addon;
      const handle = addon.compile(
        definition(recording, inputs, rows, parts),
        sessionConfiguration(parts),
        [...inputs.keys()],
        outputs,
      );
      return new Graph(addon, handle, parts * (batch[0]?.shape[0] as number), rows);
    } finally {
      tf.engine().endScope(); // what the recorded run made
    }
  }

  /** The computation for `batch` [images, …]: the numbers of each output. */
  run(batch: readonly Tensor[], shared: readonly Tensor[]): { rows: Float32Array[]; sums: Float32Array[] } {
    const inputs = [...batch, ...shared];
    const results = this.addon.run(
      this.handle,
      inputs.map((tensor) => tensor.dataSync() as Float32Array),
      inputs.map(({ shape }) => shape),
    );
    return { rows: results.slice(0, this.rows), sums: results.slice(this.rows) };
  }
}

/** The graph: inputs, constants, the operations `parts` times as `part<p>/op<k>`, and `output0`, `output1`, … */
function definition(recording: Recording, inputs: ReadonlyMap<string, Tensor>, rows: number, parts: number): Uint8Array {
  const { operations, constants, results } = recording;
  const types = (native() as unknown as { binding: Types }).binding;
  const { TF_FLOAT, TF_INT32 } = types;
  const T = attribute.type(TF_FLOAT);
  const nodes: Uint8Array[] = [];
  const add = (...parameters: Parameters<typeof node>) => nodes.push(node(...parameters));
  const constant = (name: string, dtype: number, shape: readonly number[], content: Uint8Array) =>
    add(name, 'Const', [], { dtype: attribute.type(dtype), value: attribute.tensor(dtype, shape, content) });

  constant('firstAxis', TF_INT32, [], new Uint8Array(4));
  for (const [name, { dtype, shape, bytes }] of constants) constant(name, dtype, shape, bytes);
  for (const [name, { shape }] of inputs) {
    const isBatch = name.startsWith('batch');
    const whole = isBatch ? [parts * (shape[0] as number), ...shape.slice(1)] : shape;
    add(name, 'Placeholder', [], { dtype: T, shape: attribute.shape(whole) });
    if (isBatch) add(`${name}/parts`, 'Split', ['firstAxis', name], { T, num_split: attribute.integer(parts) });
  }
  const written = asOneDnnLikes(operations, results).map((operation) => {
    if (operation === null) return null;
    const { name, operands, attributes } = operation;
    return { name, operands, attributes: Object.fromEntries(attributes.map((each) => [each.name, encoded(each, types)])) };
  });
  const inPart = (name: string, part: number): string => {
    if (name.startsWith('batch')) return `${name}/parts:${part}`;
    return name.startsWith('op') ? `part${part}/${name}` : name;
  };
  for (let part = 0; part < parts; part++) {
    written.forEach((operation, k) => {
      if (operation === null) return;
      const { name, operands, attributes } = operation;
      const own = operands.map((operand) => inPart(operand, part));
      add(`part${part}/op${k}`, name, own, attributes);
    });
  }
  results.forEach((result, k) => {
    const each = Array.from({ length: parts }, (_, part) => inPart(result, part));
    const N = attribute.integer(parts);
    if (parts === 1) add(`output${k}`, 'Identity', each, { T });
    else if (k < rows) add(`output${k}`, 'ConcatV2', [...each, 'firstAxis'], { N, T, Tidx: attribute.type(TF_INT32) });
    else add(`output${k}`, 'AddN', each, { N, T });
  });
  return graphDefinition(nodes);
}

/** Kinds of attributes that eager operations do not have, or that are added here; TensorFlow.js's own are from 0 on. */
const KINDS = { string: -1, strings: -2, types: -3, integer: -4 } as const;

/** What `_FusedConv2D` does behind the convolution: one operand more, of type float32. */
const BIAS_AND_RELU: readonly Attribute[] = [
  { name: 'num_args', type: KINDS.integer, value: 1 },
  { name: 'TArgs', type: KINDS.types, value: [1] },
  { name: 'fused_ops', type: KINDS.strings, value: ['BiasAdd', 'Relu'] },
];

function encoded({ name, type, value }: Attribute, types: Types): Uint8Array {
  switch (type) {
    case KINDS.string:
      return attribute.string(value as string);
    case KINDS.strings:
      return attribute.strings(value as string[]);
    case KINDS.types:
      return attribute.types(value as number[]);
    case KINDS.integer:
      return attribute.integer(value as number);
    case types.TF_ATTR_TYPE:
      return attribute.type(value as number);
    case types.TF_ATTR_INT:
      return Array.isArray(value) ? attribute.integers(value as number[]) : attribute.integer(value as number);
    case types.TF_ATTR_FLOAT:
      return attribute.float(value as number);
    case types.TF_ATTR_BOOL:
      return attribute.boolean(value as boolean);
    case types.TF_ATTR_STRING:
      return attribute.string(value as string);
    case types.TF_ATTR_SHAPE:
      return attribute.shape(value as number[]);
    default:
      throw new Error(`attribute '${name}' is of kind ${type}, which no graph has had yet`);
  }
}

const WITH_BIAS = '_MklNativeConv2DWithBias';

/**
 * The operations as oneDNN does them best, null where one is left out: a convolution with bias whose output goes through a ReLU and nowhere else is one with it, and the gradient to a convolution's input is oneDNN's own (the same to the last digit,
 * and up to 1.6 times as fast as TensorFlow's). The first two have the name and the list that eager operations cannot be given. Where the library has no oneDNN no convolution with bias was recorded, and all stays as it was.
 */
function asOneDnnLikes(operations: readonly RecordedOperation[], results: readonly string[]): (RecordedOperation | null)[] {
  if (!operations.some(({ name }) => name === WITH_BIAS)) return [...operations];
  const uses = new Map<string, number>();
  for (const name of [...operations.flatMap(({ operands }) => operands), ...results]) uses.set(name, (uses.get(name) ?? 0) + 1);
  const changed: (RecordedOperation | null)[] = [...operations];
  operations.forEach((operation, k) => {
    const { name, operands, attributes } = operation;
    const place = Number(operands[0]?.slice(2, -2));
    const source = operations[place];
    if (name === 'Relu' && source?.name === WITH_BIAS && uses.get(operands[0] as string) === 1) {
      changed[place] = null;
      const kept = source.attributes.filter((attribute) => attribute.name !== '_kernel');
      changed[k] = { name: '_FusedConv2D', operands: source.operands, attributes: [...kept, ...BIAS_AND_RELU] };
    } else if (name === 'Conv2DBackpropInput') {
      const kernel = { name: '_kernel', type: KINDS.string, value: 'MklNameChangeOp' };
      changed[k] = { name: '_MklNativeConv2DBackpropInput', operands, attributes: [...attributes, kernel] };
    }
  });
  return changed;
}
