/**
 * # Options on the command line
 *
 * Options arrive as text. Each parser here makes a number of it, or says what to give; commander
 * names the option.
 */
import { InvalidArgumentError, Option } from 'commander';
import type { data } from '../index';

/** What the help says of an option that names a family; the library says which there are. */
export const FAMILY = 'the family of the model: glow, diffusion or vae';

/** A parser of whole numbers from `least` on. */
export function wholeNumber(least = 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`Give a whole number from ${least} on.`);
    return value;
  };
}

/** A parser of lists of whole numbers from 1 on, separated by commas. */
export function wholeNumbers(text: string): number[] {
  const parse = wholeNumber();
  return text.split(',').map((part) => {
    try {
      return parse(part);
    } catch {
      throw new InvalidArgumentError(`'${part}' is none: give whole numbers from 1 on, as 1,5.`);
    }
  });
}

/** A parser of numbers from 0 up, below `below` where that is given. */
export function positiveNumber(below = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < 0)
      throw new InvalidArgumentError('Give a number that is not below 0.');
    if (value >= below) throw new InvalidArgumentError(`Give a number below ${below}.`);
    return value;
  };
}

const LAYOUTS = [
  'HW',
  'HWC',
  'CHW',
  'NHW',
  'NHWC',
  'NCHW',
] as const satisfies readonly data.Layout[];
const VALUES = ['0..1', '0..255'] as const satisfies readonly data.Values[];

/** How arrays are to be read where they do not say it. */
export const arrayOptions = {
  layout: () => new Option('--layout <letters>', 'the dimensions of arrays').choices(LAYOUTS),
  values: () =>
    new Option('--values <range>', 'the range of arrays that are not uint8').choices(VALUES),
};

/** What was said of arrays; undefined where nothing was. */
export function readingOf({ layout, values }: data.ArrayReading): data.ArrayReading | undefined {
  if (layout === undefined && values === undefined) return undefined;
  return {
    ...(layout === undefined ? {} : { layout }),
    ...(values === undefined ? {} : { values }),
  };
}

/** A parser of names separated by commas. */
export function names(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}
