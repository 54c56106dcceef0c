/**
 * # A graph in TensorFlow's own format
 *
 * TensorFlow takes a graph as a GraphDef, a message of protocol buffers: fields with a number, each
 * either an integer (`varint`), four bytes, or bytes of a stated length, messages within messages
 * being bytes (https://protobuf.dev/programming-guides/encoding). The few messages that a graph
 * needs are written here field by field; their numbers are those of TensorFlow's `graph.proto`,
 * `node_def.proto`, `attr_value.proto`, `tensor.proto` and `config.proto`.
 */

type Bytes = Uint8Array;

/** A field with a whole number from 0 on, or a negative one of 64 bits. */
function integer(field: number, value: number): Bytes {
  return Buffer.from([...varint(field << 3), ...varint(value)]);
}

/** A field with bytes, a string or a message (of its fields). */
function bytes(field: number, value: Bytes | string | readonly Bytes[]): Bytes {
  const content =
    typeof value === 'string'
      ? Buffer.from(value)
      : value instanceof Uint8Array
        ? value
        : Buffer.concat(value);
  return Buffer.concat([
    Buffer.from([...varint((field << 3) | 2), ...varint(content.length)]),
    content,
  ]);
}

function float(field: number, value: number): Bytes {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return Buffer.concat([Buffer.from(varint((field << 3) | 5)), content]);
}

/** Groups of seven bits, the lowest first; a negative number as one of 64 bits. */
function varint(value: number): number[] {
  if (value < 0) return bigVarint(BigInt.asUintN(64, BigInt(value)));
  const groups: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) groups.push((rest % 128) | 128);
  groups.push(rest);
  return groups;
}

function bigVarint(value: bigint): number[] {
  return value > 127n ? [Number(value & 127n) | 128, ...bigVarint(value >> 7n)] : [Number(value)];
}

const dimensions = (shape: readonly number[]) =>
  shape.map((length) => bytes(2, [integer(1, length)]));

/** Values of attributes (AttrValue), each by its kind. */
export const attribute = {
  string: (value: string) => bytes(2, value),
  integer: (value: number) => integer(3, value),
  integers: (values: readonly number[]) =>
    bytes(
      1,
      values.map((value) => integer(3, value)),
    ),
  float: (value: number) => float(4, value),
  boolean: (value: boolean) => integer(5, value ? 1 : 0),
  type: (dtype: number) => integer(6, dtype),
  types: (dtypes: readonly number[]) =>
    bytes(
      1,
      dtypes.map((dtype) => integer(6, dtype)),
    ),
  shape: (shape: readonly number[]) => bytes(7, dimensions(shape)),
  strings: (values: readonly string[]) =>
    bytes(
      1,
      values.map((value) => bytes(2, value)),
    ),
  tensor: (dtype: number, shape: readonly number[], content: Bytes) =>
    bytes(8, [integer(1, dtype), bytes(2, dimensions(shape)), bytes(4, content)]),
};

/**
 * An operation (NodeDef). `operands` are names, `name:k` for the k-th output; `attributes` come
 * from {@link attribute}.
 */
export function node(
  name: string,
  operation: string,
  operands: readonly string[],
  attributes: Readonly<Record<string, Bytes>>,
): Bytes {
  return bytes(1, [
    bytes(1, name),
    bytes(2, operation),
    ...operands.map((operand) => bytes(3, operand)),
    ...Object.entries(attributes).map(([key, value]) => bytes(5, [bytes(1, key), bytes(2, value)])),
  ]);
}

/** A GraphDef of nodes from {@link node}. */
export function graphDefinition(nodes: readonly Bytes[]): Bytes {
  const producer = 1087; // the version of graphs that today's attributes belong to
  return Buffer.concat([...nodes, bytes(4, [integer(1, producer)])]);
}

/**
 * A ConfigProto: whoever calls does all operations, one after the other; no optimiser, which would
 * look for seconds and find little.
 */
export function sessionConfiguration(): Bytes {
  const intraOpThreads = integer(2, 1);
  const interOpThreads = integer(5, -1); // the calling thread
  const disableMetaOptimizer = integer(19, 1);
  const executor = bytes(3, 'SINGLE_THREADED_EXECUTOR');
  return Buffer.concat([
    intraOpThreads,
    interOpThreads,
    bytes(10, [bytes(10, [disableMetaOptimizer])]),
    bytes(16, [executor]),
  ]);
}
