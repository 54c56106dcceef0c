/**
 * # Layers as they are declared
 *
 * A model of the paper is a list of tensors in PyTorch's order and names, with PyTorch's initial
 * values: weights and biases uniform in ±1/√fan (`fan` the numbers that one output sees; for a
 * transposed convolution PyTorch counts its second axis), gains 1, offsets 0. Tensor k draws from a
 * stream of its own, so that a model is a function of its seed.
 */

import { deriveSeed, uniforms } from '../backend/index';
import type { BatchNormLayers } from '../gradients/index';
import { type Layer, type Layout, makeLayer } from '../gradients/index';

export interface WeightAndBias {
  readonly weight: Layer;
  readonly bias: Layer;
}

export class LayerList {
  readonly layers: Layer[] = [];
  readonly buffers: Layer[] = [];

  constructor(private readonly seed: number) {}

  /** A tensor uniform in ±`bound`. */
  uniform(name: string, layout: Layout, shape: number[], bound: number): Layer {
    const values = uniforms(deriveSeed(this.seed, this.layers.length), sizeOf(shape)).map(
      (u) => bound * (2 * u - 1),
    );
    return this.push(makeLayer(name, layout, shape, values));
  }

  /** A tensor of one value. */
  constant(name: string, shape: number[], value: number): Layer {
    return this.push(makeLayer(name, 'plain', shape, new Float32Array(sizeOf(shape)).fill(value)));
  }

  /**
   * A convolution, `[out, in, k, k]`; for a transposed one give `[in, out, k, k]` and the number of
   * outputs as `biasSize`.
   */
  convolution(
    name: string,
    shape: [number, number, number, number],
    biasSize = shape[0],
  ): WeightAndBias {
    const bound = 1 / Math.sqrt(shape[1] * shape[2] * shape[3]);
    return {
      weight: this.uniform(`${name}.weight`, 'convolution', shape, bound),
      bias: this.uniform(`${name}.bias`, 'plain', [biasSize], bound),
    };
  }

  dense(name: string, outputs: number, inputs: number): WeightAndBias {
    const bound = 1 / Math.sqrt(inputs);
    return {
      weight: this.uniform(`${name}.weight`, 'dense', [outputs, inputs], bound),
      bias: this.uniform(`${name}.bias`, 'plain', [outputs], bound),
    };
  }

  /** Gain 1 and offset 0. */
  norm(name: string, channels: number): WeightAndBias {
    return {
      weight: this.constant(`${name}.weight`, [channels], 1),
      bias: this.constant(`${name}.bias`, [channels], 0),
    };
  }

  batchNorm(name: string, channels: number): BatchNormLayers {
    const buffer = (key: string, shape: number[], value: number): Layer => {
      const layer = makeLayer(
        `${name}.${key}`,
        'plain',
        shape,
        new Float32Array(sizeOf(shape)).fill(value),
        true,
      );
      this.buffers.push(layer);
      return layer;
    };
    return {
      ...this.norm(name, channels),
      runningMean: buffer('running_mean', [channels], 0),
      runningVariance: buffer('running_var', [channels], 1),
      batches: buffer('num_batches_tracked', [], 0),
    };
  }

  private push(layer: Layer): Layer {
    this.layers.push(layer);
    return layer;
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
