/**
 * # Collectors: how one looks at gradients
 *
 * During a backward pass a collector sees the gradient of every layer once, in factored form, for
 * all images together. The factors are freed a moment later; what the collector computed from them
 * stays. Training, the Fisher information, features and the comparison with the paper's code all
 * use collectors, and a reader can write one:
 *
 *     const means = new Collector((gradient) => ({ mean: tf.mean(gradient.instantiate(1), 0) }));
 *     model.gradients(images, noise, means).dispose();
 *     means.numbers('mean');   // Map: name of the layer -> numbers
 *     means.dispose();
 *
 * For each layer a collector makes a few tensors, each with a name. In a second pass (the next
 * block of images) they replace those of the first, unless they are `sums`, which are added up.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { numberOf, numbersOf, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Factors } from './factors';
import type { Layer } from './layer';

/** The tensors made of one layer's gradient, by name. */
export type Tensors<K extends string> = Readonly<Record<K, Tensor>>;

export interface CollectorOptions<K extends string> {
  /**
   * How many images each entry along the first axis stands for, for messages; left out where that
   * axis is not of images.
   */
  readonly imagesAnEntry?: number;
  /**
   * Tensors whose entries along the first axis are each made of their own images alone; where all
   * tensors are rows or sums, the images of a pass may be parted among cores (`replayed-pass.ts`).
   */
  readonly rows?: readonly K[];
  /** Tensors that are sums over images: those of a later pass are added to those of the first. */
  readonly sums?: readonly K[];
}

export class Collector<K extends string = string> {
  private readonly kept = new Map<Layer, Tensors<K>>();
  private readonly operations = new Map<Layer, string>();

  /** @param of makes a layer's tensors, inside a tidy; null: nothing of this layer */
  constructor(
    private readonly of: (gradient: Factors, layer: Layer) => Tensors<K> | null,
    private readonly options: CollectorOptions<K> = {},
  ) {}

  /** Called by a pass: the gradient of a layer. */
  collect(layer: Layer, gradient: Factors): void {
    tf.tidy(() => {
      const made = this.of(gradient, layer);
      if (made !== null) this.add(layer, made, gradient.operation);
    });
  }

  /** Called by a pass: what was made of a layer's gradient. The tensors stay the caller's. */
  add(layer: Layer, made: Tensors<K>, operation: string): void {
    const before = this.kept.get(layer);
    tf.tidy(() => {
      const tensors: Record<K, Tensor> = { ...made };
      if (before !== undefined)
        for (const key of this.options.sums ?? []) tensors[key] = tf.add(before[key], made[key]);
      this.kept.set(layer, kept(tensors));
    });
    this.operations.set(layer, operation);
    if (before !== undefined) tf.dispose(listed(before));
  }

  /** An empty collector of the same kind. */
  fresh(): Collector<K> {
    return new Collector(this.of, this.options);
  }

  /** Whether images may be parted at all: the collector says of some tensor how. */
  get isOfParts(): boolean {
    const { rows = [], sums = [] } = this.options;
    return rows.length + sums.length > 0;
  }

  /** What a tensor's first axis is; undefined where the collector does not say. */
  kindOf(key: K): 'rows' | 'sums' | undefined {
    const { rows = [], sums = [] } = this.options;
    return rows.includes(key) ? 'rows' : sums.includes(key) ? 'sums' : undefined;
  }

  /** The tensors of each layer that was seen, in the pass's order. They stay the collector's. */
  get byLayer(): ReadonlyMap<Layer, Tensors<K>> {
    return this.kept;
  }

  /** The operation that a layer's gradient came from. */
  operationOf(layer: Layer): string {
    return this.operations.get(layer) ?? 'no operation';
  }

  /** The numbers of one of the tensors of each layer, by the layer's name, in one transfer. */
  numbers(key: K): Map<string, Float32Array> {
    const tensors = [...this.kept].map(([layer, made]) => [layer.name, made[key]] as const);
    if (tensors.length === 0) return new Map();
    const flat = tf.tidy(() =>
      numbersOf(tf.concat(tensors.map(([, tensor]) => tf.reshape(tensor, [-1])))),
    );
    let end = 0;
    return new Map(
      tensors.map(([name, { size }]) => {
        end += size;
        return [name, flat.slice(end - size, end)];
      }),
    );
  }

  /**
   * As {@link numbers}, and frees everything.
   * @throws {FisherlabError} if a number is not finite, naming tensor, image and operation
   */
  read(key: K): Map<string, Float32Array> {
    try {
      const numbers = this.numbers(key);
      for (const [layer, tensors] of this.kept) {
        const own = numbers.get(layer.name);
        if (own !== undefined) this.assertFinite(layer, own, tensors[key].shape[0] ?? 1);
      }
      return numbers;
    } finally {
      this.dispose();
    }
  }

  /** Hands all tensors over to the caller. */
  take(): Map<Layer, Tensors<K>> {
    const taken = new Map(this.kept);
    this.kept.clear();
    return taken;
  }

  dispose(): void {
    for (const tensors of this.kept.values()) tf.dispose(listed(tensors));
    this.kept.clear();
  }

  private assertFinite(layer: Layer, numbers: Float32Array, entries: number): void {
    const bad = numbers.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return;
    const { imagesAnEntry = 0 } = this.options;
    const first = Math.floor(bad / (numbers.length / entries)) * imagesAnEntry;
    const last = first + imagesAnEntry - 1;
    const where =
      imagesAnEntry === 0
        ? ''
        : first === last
          ? ` at image ${first}`
          : ` at images ${first} to ${last}`;
    const damaged = tf.tidy(
      () => numberOf(tf.cast(tf.all(tf.isFinite(layer.variable)), 'float32')) === 0,
    );
    throw new FisherlabError(
      `the gradient of tensor '${layer.name}' (${this.operationOf(layer)})${where} is ${numbers[bad]}`,
      damaged
        ? 'its own values are not finite: load another checkpoint'
        : 'look for damaged weights or images',
    );
  }
}

const listed = (tensors: Tensors<string>): Tensor[] => Object.values(tensors);

/** Clones, which share the numbers: a tensor may be the factors' own, or one of `before`. */
function kept<K extends string>(tensors: Tensors<K>): Tensors<K> {
  const clones: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries<Tensor>(tensors))
    clones[name] = tf.keep(tf.clone(tensor));
  return clones as Tensors<K>;
}
