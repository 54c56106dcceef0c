/**
 * # JSON that is checked, not believed
 *
 * Headers, states and descriptions are JSON that anybody may have written, cut or changed. A schema
 * (valibot) says what a file may hold; where it holds something else, the error names the place
 * inside the file: `'curve.3.step' is "a", not a number`.
 */
import * as v from 'valibot';
import { FisherlabError } from './errors';

/** What is checked, and what to do where it does not fit: the two halves of the error. */
export interface CheckedThing {
  /** "the description of the model in 'x.safetensors'" */
  readonly what: string;
  /** "restore the file from where it came from" */
  readonly howToFix: string;
}

/** Words for what valibot expects, where it names a type. */
const WORDS: Readonly<Record<string, string>> = {
  Object: 'an object',
  Array: 'a list',
  number: 'a number',
  string: 'text',
};

/**
 * `value` itself, with its keys in their order, once it fits the schema.
 * @throws {FisherlabError} if it does not, naming the first place that does not
 */
export function checked<T>(
  value: unknown,
  schema: v.GenericSchema<unknown, T>,
  thing: CheckedThing,
): T {
  const { success, issues } = v.safeParse(schema, value);
  if (success) return value as T;
  const [issue] = issues;
  const place = v.getDotPath(issue);
  const where = place === null ? 'it' : `'${place}'`;
  const wrong =
    issue.received === 'undefined'
      ? `${where} is missing`
      : `${where} is ${issue.received}, not ${WORDS[issue.expected ?? ''] ?? issue.expected}`;
  throw damaged(thing, wrong);
}

/**
 * The value that a JSON text says, checked as by {@link checked}.
 * @throws {FisherlabError} if the text is no JSON, or says something that does not fit the schema
 */
export function checkedJson<T>(
  text: string,
  schema: v.GenericSchema<unknown, T>,
  thing: CheckedThing,
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(thing, 'it is not JSON');
  }
  return checked(value, schema, thing);
}

function damaged({ what, howToFix }: CheckedThing, wrong: string): FisherlabError {
  return new FisherlabError(`${what} is damaged: ${wrong}`, howToFix);
}
