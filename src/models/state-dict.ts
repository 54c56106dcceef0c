/**
 * # PyTorch's state dictionaries
 *
 * A network trained with the paper's PyTorch code is a dictionary of names and tensors, which
 * `safetensors.torch.save_file(model.state_dict(), file)` writes as it is. Names and layouts are
 * the same here by construction, so only what is around them has to be dealt with:
 * - wrappers put a prefix before every name (`module.` of DataParallel, `model.` of the diffusion
 *   process, `ema_model.` of an average); it is found by the model's names;
 * - where only a part was wrapped, `module.` and `_orig_mod.` (torch.compile) are removed from the
 *   middle of names;
 * - some tensors are functions of the architecture (`prior_h`, triangular masks, a noise schedule):
 *   they are checked where they carry information, and left out (the family lists them);
 * - counters (`num_batches_tracked`) may be missing.
 *
 * Every such decision is reported. Anything else that does not fit is an error, and then the model
 * is not changed.
 */
import { at } from '../backend/index';
import { FisherlabError } from '../errors';
import { modelTensors, setTensors } from './checkpoint';
import { familyOf } from './families';
import type { TapedModel } from './model';
import type { NamedTensor } from './safetensors';

/** What was decided when a state dictionary was read. */
export interface StateDictReport {
  /** What stood before the names. */
  readonly prefix: string;
  /** Tensors that the architecture implies, and those outside of the prefix: not read. */
  readonly leftOut: readonly string[];
  /** Counters that were missing: they begin at 0. */
  readonly missing: readonly string[];
}

const COUNTER = /\.num_batches_tracked$/;

/**
 * A model's state dictionary, as PyTorch's `load_state_dict` wants it: the same names, shapes and
 * types.
 */
export function stateDict(model: TapedModel): NamedTensor[] {
  const tensors = modelTensors(model).map((tensor) =>
    COUNTER.test(tensor.name) ? { ...tensor, stored: 'I64' as const } : tensor,
  );
  return [...tensors, ...(familyOf(model.family).stateDict?.implied?.(model) ?? [])];
}

/**
 * Gives `model` the weights of a state dictionary.
 * @param file for the errors
 * @param prefix what stands before the names; found where left out
 * @throws {FisherlabError} if tensors are missing, of other shapes or too many, several prefixes
 *   fit, or tensors beside the weights mean something else (another noise schedule)
 */
export function setStateDict(
  model: TapedModel,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
  prefix = findPrefix(model, tensors, file),
): StateDictReport {
  const hooks = familyOf(model.family).stateDict ?? {};
  const leftOut: string[] = [];
  const inside = new Map<string, NamedTensor>();
  const wrappers = wrappersOf(model);
  for (const [name, tensor] of tensors) {
    const own = name.startsWith(prefix) ? unwrapped(name.slice(prefix.length), wrappers) : null;
    if (own === null || hooks.leavesOut?.(own, prefix)) leftOut.push(name);
    else if (inside.has(own))
      throw new FisherlabError(
        `'${file}' holds '${own}' twice, wrapped and not`,
        'save the weights of one network',
      );
    else inside.set(own, { ...tensor, name: own });
  }
  hooks.check?.(model, tensors, file);
  const missing = model.buffers.filter(({ name }) => COUNTER.test(name) && !inside.has(name));
  for (const { name, torchShape } of missing)
    inside.set(name, { name, shape: torchShape, values: new Float32Array(1) });
  setTensors(model, inside, file);
  return { prefix, leftOut, missing: missing.map((layer) => layer.name) };
}

/** What DataParallel and torch.compile put into names, before a part or before the whole. */
const WRAPPERS = ['module', '_orig_mod'];

/** Those of the wrappers that are no part of the model's own names. */
function wrappersOf(model: TapedModel): string[] {
  const own = new Set(model.layers.flatMap(({ name }) => name.split('.')));
  return WRAPPERS.filter((wrapper) => !own.has(wrapper));
}

function unwrapped(name: string, wrappers: readonly string[]): string {
  return name
    .split('.')
    .filter((part) => !wrappers.includes(part))
    .join('.');
}

/** The prefix under which the most of the model's names lie. */
function findPrefix(
  model: TapedModel,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
): string {
  const names = model.layers.map((layer) => layer.name);
  const wrappers = wrappersOf(model);
  const ends = [at(names, 0), at(names, names.length - 1)];
  const counts = new Map<string, number>();
  for (const full of tensors.keys()) {
    for (const name of ends) {
      const prefix = prefixOf(full, name, wrappers);
      if (prefix === undefined || counts.has(prefix)) continue;
      const below = new Set(
        [...tensors.keys()]
          .filter((other) => other.startsWith(prefix))
          .map((other) => unwrapped(other.slice(prefix.length), wrappers)),
      );
      counts.set(prefix, names.filter((own) => below.has(own)).length);
    }
  }
  const most = Math.max(0, ...counts.values());
  const best = [...counts].filter(([, count]) => count === most).map(([prefix]) => prefix);
  if (best.length > 1) {
    throw new FisherlabError(
      `'${file}' holds this ${model.family} model under ${best.map((prefix) => `'${prefix}'`).join(' and ')}`,
      'choose one with --prefix',
    );
  }
  return best[0] ?? '';
}

/**
 * What stands before `name`, which wrappers may interrupt; undefined where another name ends it.
 */
function prefixOf(full: string, name: string, wrappers: readonly string[]): string | undefined {
  const parts = full.split('.');
  let from = parts.length;
  for (const part of name.split('.').reverse()) {
    do from--;
    while (from >= 0 && wrappers.includes(parts[from] as string));
    if (parts[from] !== part) return undefined;
  }
  return parts
    .slice(0, from)
    .map((part) => `${part}.`)
    .join('');
}
