/**
 * # The tensors of a Glow
 *
 * In the reference's order and names, with its initial values: convolutions normal with deviation
 * 0.05, 1x1 convolutions as random rotations (`glow-initial.ts`), zeros otherwise. 14 a step, 3 a
 * split, 3 at the top: 14·K·L + 3(L−1) + 3 (1353 at the paper's K = 32, L = 3). Of every 1x1
 * convolution the permutation `p` and the signs `sign_s` are fixed: buffers.
 */
import { deriveSeed, normals } from '../../backend/index';

import type { Layer, LuLayers, ScaledConvolution } from '../../gradients/index';
import type { LayerList } from '../layer-list';
import { luOfRandomRotation } from './glow-initial';

export interface Step {
  readonly bias: Layer;
  readonly logs: Layer;
  readonly lu: LuLayers;
  readonly hidden: readonly ScaledConvolution[];
  readonly last: ScaledConvolution;
}

export interface GlowTensors {
  readonly levels: readonly {
    readonly steps: readonly Step[];
    /** What scores the latents that are split off; null at the last level, which keeps all. */
    readonly split: ScaledConvolution | null;
  }[];
  /** The learned Gaussian of the last latents. */
  readonly top: ScaledConvolution;
}

/** @param channels of an image */
export function glowTensors(
  list: LayerList,
  channels: number,
  { K, L, hidden, seed }: { K: number; L: number; hidden: number; seed: number },
): GlowTensors {
  const add = (name: string, shape: number[], values = () => zeros(shape)): Layer =>
    list.parameter(
      name,
      shape.length === 4 && shape[0] !== 1 ? 'convolution' : 'plain',
      shape,
      values,
    );
  const addConv = (name: string, shape: number[]): Layer =>
    add(name, shape, () => normals(list.nextSeed, sizeOf(shape)).map((value) => 0.05 * value));
  const addZeroConv = (name: string, i: number, o: number): ScaledConvolution => ({
    logs: add(`${name}.logs`, [o, 1, 1]),
    weight: add(`${name}.conv.weight`, [o, i, 3, 3]),
    bias: add(`${name}.conv.bias`, [o]),
  });
  const addStep = (name: string, c: number, index: number): Step => {
    const bias = add(`${name}.actnorm.bias`, [1, c, 1, 1]);
    const logs = add(`${name}.actnorm.logs`, [1, c, 1, 1]);
    const rotation = once(() => luOfRandomRotation(c, deriveSeed(seed, 1_000_003, index)));
    const lower = add(`${name}.invconv.lower`, [c, c], () => rotation().lower);
    const lus = add(`${name}.invconv.log_s`, [c], () => rotation().logs);
    const upper = add(`${name}.invconv.upper`, [c, c], () => rotation().upper);
    const block = [
      [0, c / 2, 3],
      [2, hidden, 1],
    ] as const;
    const hiddenLayers = block.map(([k, i, size]) => ({
      weight: addConv(`${name}.block.${k}.conv.weight`, [hidden, i, size, size]),
      bias: add(`${name}.block.${k}.actnorm.bias`, [1, hidden, 1, 1]),
      logs: add(`${name}.block.${k}.actnorm.logs`, [1, hidden, 1, 1]),
    }));
    const P = list.buffer(`${name}.invconv.p`, [c, c], () => rotation().P);
    const signs = list.buffer(`${name}.invconv.sign_s`, [c], () => rotation().signs);
    return {
      bias,
      logs,
      lu: { lower, logs: lus, upper, P, signs },
      hidden: hiddenLayers,
      last: addZeroConv(`${name}.block.4`, hidden, c),
    };
  };

  const levels: { steps: Step[]; split: ScaledConvolution | null }[] = [];
  let c = channels;
  let position = 0;
  for (let level = 0; level < L; level++) {
    c *= 4;
    position++; // the squeeze counts as a layer in the reference's names
    const steps: Step[] = [];
    for (let k = 0; k < K; k++)
      steps.push(addStep(`flow.layers.${position + k}`, c, level * K + k));
    position += K;
    const split = level < L - 1 ? addZeroConv(`flow.layers.${position++}.conv`, c / 2, c) : null;
    levels.push({ steps, split });
    if (split !== null) c /= 2;
  }
  return { levels, top: addZeroConv('learn_top_fn', 2 * c, 2 * c) };
}

/** What `make` gives, made when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function zeros(shape: readonly number[]): Float32Array {
  return new Float32Array(sizeOf(shape));
}
