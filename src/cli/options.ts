/**
 * # Options on the command line
 *
 * Options arrive as text. Each parser here turns the text into a value, or throws an error that
 * says what to give; commander adds the name of the option.
 */
import { InvalidArgumentError, Option } from 'commander';
import type { data } from '../index';

/** The help text of an option that takes a family; the library checks whether it exists. */
export const FAMILY = 'the family of the model: glow, diffusion or vae';

/** Makes a parser for whole numbers from `least` on. */
export function wholeNumber(least = 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`Give a whole number from ${least} on.`);
    return value;
  };
}

/** Parses whole numbers from 1 on, separated by commas. */
export function wholeNumbers(text: string): number[] {
  const parse = wholeNumber();
  return text.split(',').map((part) => {
    try {
      return parse(part);
    } catch {
      throw new InvalidArgumentError(
        `'${part}' is not a whole number: give numbers from 1 on, such as 1,5.`,
      );
    }
  });
}

/** Makes a parser for numbers from 0 on, and below `below` if that is given. */
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

/** Options that say how to read arrays, if the arrays themselves do not show it. */
export const arrayOptions = {
  layout: () =>
    new Option('--layout <letters>', 'the order of dimensions in arrays').choices(LAYOUTS),
  values: () =>
    new Option('--values <range>', 'the range of values in arrays that are not uint8').choices(
      VALUES,
    ),
};

/** What the user said about arrays; undefined if nothing. */
export function readingOf({ layout, values }: data.ArrayReading): data.ArrayReading | undefined {
  if (layout === undefined && values === undefined) return undefined;
  return {
    ...(layout === undefined ? {} : { layout }),
    ...(values === undefined ? {} : { values }),
  };
}

/** Parses names separated by commas. */
export function names(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}
