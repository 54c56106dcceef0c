/**
 * # PyTorch's state dictionaries
 *
 * A network trained with the paper's PyTorch code is a dictionary of names and tensors, which
 * `safetensors.torch.save_file(model.state_dict(), file)` writes as it is. Names and layouts here
 * are the same by construction, so reading one is a matter of what stands around it:
 * - wrappers put something before every name (`module.` of DataParallel, `model.` of the diffusion
 *   process, `ema_model.` of an average): the prefix under which the model's names lie is found;
 * - some tensors are functions of the architecture (`prior_h`, triangular masks, a noise schedule):
 *   they are checked where they say something, and left out;
 * - counters (`num_batches_tracked`) may be missing.
 *
 * Every such decision is reported. Anything else that does not fit is an error, and nothing of the
 * model is changed then.
 */

import { FisherlabError } from '../errors';
import type { Layer } from '../gradients/index';
import { modelTensors, setTensors } from './checkpoint';
import { Diffusion } from './diffusion';
import { Glow } from './glow';
import type { TapedModel } from './model';
import type { NamedTensor } from './safetensors';

/** What was decided on the way from a state dictionary into a model. */
export interface StateDictReport {
  /** What stood before the names. */
  readonly prefix: string;
  /** Tensors that the architecture implies, and those outside of the prefix: not read. */
  readonly leftOut: readonly string[];
  /** Counters that were missing: they begin at 0. */
  readonly missing: readonly string[];
}

/** Tensors that say nothing an architecture does not imply, after the prefix. */
const IMPLIED = /(^|\.)(prior_h|l_mask|eye|inited)$/;
const COUNTER = /\.num_batches_tracked$/;

/**
 * A model's state dictionary, as PyTorch's `load_state_dict` wants it: the same names, shapes and
 * types.
 */
export function stateDict(model: TapedModel): NamedTensor[] {
  const tensors = modelTensors(model).map((tensor) =>
    COUNTER.test(tensor.name) ? { ...tensor, stored: 'I64' as const } : tensor,
  );
  if (!(model instanceof Glow)) return tensors;
  // The reference keeps the zeros that its learned prior is a convolution of.
  const [h, w] = model.imageShape;
  const factor = 2 ** model.config.L;
  const channels = layerOf(model, 'learn_top_fn.conv.bias').torchShape[0] as number;
  const shape = [1, channels, h / factor, w / factor];
  return [
    ...tensors,
    { name: 'prior_h', shape, values: new Float32Array((channels * h * w) / factor ** 2) },
  ];
}

/**
 * Gives `model` the weights of a state dictionary.
 * @param file for the errors
 * @param prefix what stands before the names; found where left out
 * @throws FisherlabError where tensors are missing, of other shapes or too many, where several
 *   prefixes fit, or where the noise schedule is another
 */
export function setStateDict(
  model: TapedModel,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
  prefix = findPrefix(model, tensors, file),
): StateDictReport {
  const leftOut: string[] = [];
  const inside = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) {
    const own = name.startsWith(prefix) ? name.slice(prefix.length) : null;
    if (own === null || IMPLIED.test(own) || (prefix === '' && isSchedule(model, own)))
      leftOut.push(name);
    else inside.set(own, { ...tensor, name: own });
  }
  if (model instanceof Diffusion) checkSchedule(model, tensors, file);
  const missing = model.buffers.filter(({ name }) => COUNTER.test(name) && !inside.has(name));
  for (const { name, torchShape } of missing)
    inside.set(name, { name, shape: torchShape, values: new Float32Array(1) });
  setTensors(model, inside, file);
  return { prefix, leftOut, missing: missing.map((layer) => layer.name) };
}

/** The prefix under which the most of the model's names lie. */
function findPrefix(
  model: TapedModel,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
): string {
  const names = model.layers.map((layer) => layer.name);
  const counts = new Map<string, number>();
  for (const full of tensors.keys()) {
    for (const name of [names[0] as string, names[names.length - 1] as string]) {
      if (full !== name && !full.endsWith(`.${name}`)) continue;
      const prefix = full.slice(0, full.length - name.length);
      counts.set(prefix, names.filter((own) => tensors.has(prefix + own)).length);
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

const SCHEDULE =
  /^(betas|(sqrt_|log_)?(recip_|recipm1_)?(one_minus_)?alphas_cumprod(_prev)?|posterior_\w+|(p2_)?loss_weight)$/;

function isSchedule(model: TapedModel, name: string): boolean {
  return model instanceof Diffusion && SCHEDULE.test(name);
}

/**
 * A diffusion process that was trained with another schedule would give other numbers without a
 * word.
 */
function checkSchedule(
  model: Diffusion,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
): void {
  for (const [name, { values }] of tensors) {
    if (!/(^|\.)alphas_cumprod$/.test(name)) continue;
    const { signal } = model.schedule;
    const same =
      values.length === signal.length &&
      values.every((value, t) => Math.abs(value - (signal[t] as number)) < 1e-4);
    if (!same)
      throw new FisherlabError(
        `'${file}' was trained with another noise schedule ('${name}')`,
        'train it with the sigmoid schedule of the same number of timesteps',
      );
  }
}

function layerOf(model: TapedModel, name: string): Layer {
  return model.layers.find((layer) => layer.name === name) as Layer;
}
