/**
 * # Tensors and long arrays as outputs
 *
 * Shows the shape, type and memory of a tensor, whether it is disposed, its first values, the
 * least, the mean and the greatest. Long arrays of numbers are shown in the same way, as far as it
 * applies. Values are read in place: no tensor is made.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { bytesText, countText, type Facts, factsData, numberText, shapeText } from './value-facts';
import type { Bundle } from './value-figure';

/** How many values are shown. */
const FIRST = 8;
/** An array of up to this many numbers is shown completely, by Node. */
const SHORT = 20;

export type Numbers =
  | readonly number[]
  | Exclude<NodeJS.TypedArray, BigInt64Array | BigUint64Array>;

/** A tensor or a variable, disposed or not, whichever copy of TensorFlow.js made it. */
export function isTensor(value: object): value is Tensor {
  const { shape, dtype, dataId } = value as Partial<Tensor>;
  return Array.isArray(shape) && typeof dtype === 'string' && typeof dataId === 'object';
}

/** @param called the name of the tensor, if it has one */
export async function tensorData(tensor: Tensor, called?: string): Promise<Bundle> {
  const { shape, dtype, size, isDisposed } = tensor;
  const kind = 'assign' in tensor ? 'Variable' : 'Tensor';
  const headline = `${called ?? kind} ${shapeText(shape)} ${dtype}`;
  if (isDisposed) return factsData(headline, [['memory', 'none: it is disposed']]);
  const values = await tensor.data();
  return factsData(headline, [
    ...(dtype === 'string' || dtype === 'complex64'
      ? ([['values', listText(values as unknown as ArrayLike<unknown>)]] as const)
      : numberFacts(values)),
    // The memory of strings is JavaScript's own.
    ['memory', dtype === 'string' ? undefined : bytesText(size * bytesPerValue(dtype))],
  ]);
}

const bytesPerValue = (dtype: string): number =>
  dtype === 'complex64' ? 8 : dtype === 'bool' ? 1 : 4;

/** Long arrays of numbers only: short ones are shown well enough as they are. */
export function isLongArray(value: object): value is Numbers {
  if (ArrayBuffer.isView(value))
    return !(value instanceof DataView) && 'length' in value && isLong(value as Numbers);
  return Array.isArray(value) && isLong(value);
}

const isLong = (value: ArrayLike<unknown>): boolean =>
  value.length > SHORT && Array.prototype.every.call(value, (one) => typeof one === 'number');

export function arrayData(values: Numbers): Bundle {
  const headline = `${values.constructor.name}(${countText(values.length)})`;
  const memory = ArrayBuffer.isView(values) ? bytesText(values.byteLength) : undefined;
  return factsData(headline, [...numberFacts(values), ['memory', memory]]);
}

function numberFacts(values: ArrayLike<number>): Facts {
  let [least, greatest, sum, finite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let k = 0; k < values.length; k++) {
    const value = values[k] as number;
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
    sum += value;
    finite += 1;
  }
  const others = values.length - finite;
  const range = `${numberText(least)}, ${numberText(sum / finite)}, ${numberText(greatest)}`;
  return [
    ['values', listText(values)],
    ['min, mean, max', finite === 0 ? undefined : range],
    [
      'not finite',
      others === 0 ? undefined : `${countText(others)} of ${countText(values.length)}`,
    ],
  ];
}

function listText(values: ArrayLike<unknown>): string {
  const first = Array.from({ length: Math.min(FIRST, values.length) }, (_, k) => values[k]);
  const shown = first.map((one) => (typeof one === 'number' ? numberText(one) : String(one)));
  return [...shown, ...(values.length > FIRST ? ['…'] : [])].join(', ');
}
