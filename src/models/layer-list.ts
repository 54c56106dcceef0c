/**
 * # The list in which a model declares its layers
 *
 * A model of the paper is a list of tensors in PyTorch's order and names, with PyTorch's initial
 * values: weights and biases uniform in ±1/√fan (`fan` is the number of inputs of one output; for a
 * transposed convolution PyTorch counts the second axis), gains 1, offsets 0. Tensor k draws from a
 * stream of its own, so that a model is a function of its seed.
 *
 * A model that is read from a file cannot have more tensors, or more numbers in them, than the file
 * holds. The list counts what is declared before it allocates anything, so a damaged configuration
 * (K = 10⁹) ends in an error and does not fill the memory.
 */
import { deriveSeed, uniforms } from '../backend/index';
import { FisherlabError } from '../errors';
import type { BatchNormLayers } from '../gradients/index';
import { type Layer, type Layout, makeLayer } from '../gradients/index';

export interface WeightAndBias {
  readonly weight: Layer;
  readonly bias: Layer;
}

/** What a file holds: a model that is read from it cannot have more. */
export interface FileContents {
  /** Its name, for the error. */
  readonly file: string;
  readonly tensors: number;
  /** In all tensors together. */
  readonly numbers: number;
}

export class LayerList {
  readonly layers: Layer[] = [];
  readonly buffers: Layer[] = [];
  private numbers = 0;

  /** @param most where the model is read from a file */
  constructor(
    private readonly seed: number,
    private readonly most?: FileContents,
  ) {}

  /** The seed of the next parameter's own stream. */
  get nextSeed(): number {
    return deriveSeed(this.seed, this.layers.length);
  }

  /**
   * A parameter. `values`, in PyTorch's order, are computed once it is known to have its place; of
   * a model that is read from a file they are zeros, for the file's come next.
   */
  parameter(name: string, layout: Layout, shape: number[], values: () => Float32Array): Layer {
    this.count(shape);
    const first = this.most === undefined ? values() : filled(shape, 0);
    const layer = makeLayer(name, layout, shape, first);
    this.layers.push(layer);
    return layer;
  }

  /** A tensor that belongs to the model but is not learnt. */
  buffer(name: string, shape: number[], values: () => Float32Array): Layer {
    this.count(shape);
    const layer = makeLayer(name, 'plain', shape, values(), true);
    this.buffers.push(layer);
    return layer;
  }

  /** A tensor uniform in ±`bound`. */
  uniform(name: string, layout: Layout, shape: number[], bound: number): Layer {
    return this.parameter(name, layout, shape, () =>
      uniforms(this.nextSeed, sizeOf(shape)).map((u) => bound * (2 * u - 1)),
    );
  }

  /** A tensor of one value. */
  constant(name: string, shape: number[], value: number): Layer {
    return this.parameter(name, 'plain', shape, () => filled(shape, value));
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
    const buffer = (key: string, shape: number[], value: number): Layer =>
      this.buffer(`${name}.${key}`, shape, () => filled(shape, value));
    return {
      ...this.norm(name, channels),
      runningMean: buffer('running_mean', [channels], 0),
      runningVariance: buffer('running_var', [channels], 1),
      batches: buffer('num_batches_tracked', [], 0),
    };
  }

  /** Frees all that was declared. */
  dispose(): void {
    for (const layer of [...this.layers, ...this.buffers]) layer.variable.dispose();
  }

  private count(shape: readonly number[]): void {
    if (this.most === undefined) return;
    const { file, tensors, numbers } = this.most;
    this.numbers += sizeOf(shape);
    if (this.layers.length + this.buffers.length < tensors && this.numbers <= numbers) return;
    throw new FisherlabError(
      `'${file}' describes a larger model than the ${tensors} tensors of ${numbers} numbers in it`,
      'restore the file from where it came from',
    );
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function filled(shape: readonly number[], value: number): Float32Array {
  return new Float32Array(sizeOf(shape)).fill(value);
}
