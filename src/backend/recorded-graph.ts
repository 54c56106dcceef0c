/**
 * # A recorded computation as a graph of TensorFlow's
 *
 * A recording (`recording.ts`) is a list of operations. TensorFlow wants a graph of named nodes
 * (`graph-definition.ts`): placeholders for what comes in, constants, the operations, and the
 * outputs. Inputs are called `batch0`, `batch1`, … if they hold images and `shared0`, … if they
 * hold weights. What depends on weights alone is listed, so that it is computed once for all
 * images.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { attribute, graphDefinition, node } from './graph-definition';
import { asOneDnnLikes, KINDS } from './graph-onednn';
import { native } from './primitives';
import type { Attribute, Recording } from './recording';

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

/** TensorFlow's numbers of types and of kinds of attributes. */
export const typesOf = () => (native() as unknown as { binding: Types }).binding;

/** Whether an input holds images. */
export const isOfBatch = (name: string) => name.startsWith('batch');

/**
 * Where the numbers of an input come in. Weights go through an operation, for TensorFlow lets
 * nothing out that just came in.
 */
export const placeholder = (name: string) =>
  isOfBatch(name) ? name : name.replace('shared', 'weight');

/**
 * The outputs of operations (and the weights themselves) that depend on no image and that what
 * depends on images, or a result, reads.
 */
export function ofWeightsAlone({ operations, results }: Recording): string[] {
  const ofImages = new Set<string>();
  const depends = (name: string) => isOfBatch(name) || ofImages.has(nodeOf(name));
  const wanted = new Set<string>();
  const note = (names: readonly string[]) => {
    for (const name of names) if (!depends(name) && !name.startsWith('constant')) wanted.add(name);
  };
  operations.forEach(({ operands }, k) => {
    if (!operands.some(depends)) return;
    ofImages.add(`op${k}`);
    note(operands);
  });
  note(results);
  return [...wanted];
}

/** The operation of an output `name:k`. */
const nodeOf = (output: string) => output.slice(0, output.indexOf(':'));

/** The graph: inputs, constants, the operations as `op<k>`, and `output0`, `output1`, … */
export function definition(
  recording: Recording,
  inputs: ReadonlyMap<string, Tensor>,
  isOneDnn: boolean,
): Uint8Array {
  const { operations, constants, results } = recording;
  const types = typesOf();
  const T = attribute.type(types.TF_FLOAT);
  const nodes: Uint8Array[] = [];
  const add = (...parameters: Parameters<typeof node>) => nodes.push(node(...parameters));
  for (const [name, { dtype, shape, bytes }] of constants) {
    add(nodeOf(name), 'Const', [], {
      dtype: attribute.type(dtype),
      value: attribute.tensor(dtype, shape, bytes),
    });
  }
  for (const [name, { shape }] of inputs) {
    add(nodeOf(placeholder(name)), 'Placeholder', [], { dtype: T, shape: attribute.shape(shape) });
    if (!isOfBatch(name)) add(nodeOf(name), 'Identity', [placeholder(name)], { T });
  }
  (isOneDnn ? asOneDnnLikes(operations, results) : operations).forEach((operation, k) => {
    if (operation === null) return;
    const { name, operands, attributes } = operation;
    add(
      `op${k}`,
      name,
      operands,
      Object.fromEntries(attributes.map((each) => [each.name, encoded(each, types)])),
    );
  });
  results.forEach((result, k) => {
    add(`output${k}`, 'Identity', [result], { T });
  });
  return graphDefinition(nodes);
}

function encoded({ name, type, value }: Attribute, types: Types): Uint8Array {
  switch (type) {
    case KINDS.string:
    case types.TF_ATTR_STRING:
      return attribute.string(text(value));
    case KINDS.strings:
      return attribute.strings(list(value).map(text));
    case KINDS.types:
      return attribute.types(list(value).map(number));
    case KINDS.integer:
      return attribute.integer(number(value));
    case types.TF_ATTR_TYPE:
      return attribute.type(number(value));
    case types.TF_ATTR_INT:
      return Array.isArray(value)
        ? attribute.integers(value.map(number))
        : attribute.integer(number(value));
    case types.TF_ATTR_FLOAT:
      return attribute.float(number(value));
    case types.TF_ATTR_BOOL:
      return attribute.boolean(Boolean(value));
    case types.TF_ATTR_SHAPE:
      return attribute.shape(list(value).map(number));
    default:
      throw new Error(`attribute '${name}' is of kind ${type}, which no graph has had yet`);
  }
}

function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new Error(`an attribute is ${value}, not a number`);
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`an attribute is ${value}, not a text`);
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`an attribute is ${value}, not a list`);
}
