/**
 * # Numbers on the command line
 *
 * Options arrive as text; one that is no number is an error that names the option.
 */
import { FisherlabError } from '../backend/index';

/** A whole number of an option. Errors: anything else, naming the option. */
export function wholeNumber(option: string, text: string, least = 1): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least) {
    throw new FisherlabError(`${option} is '${text}'`, `give a whole number from ${least} on`);
  }
  return value;
}
