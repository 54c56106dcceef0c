/**
 * # The tape: one pass forward, one pass back
 *
 * A model is computed once, operation by operation. Each operation writes down what it needs to go
 * back. The backward pass then walks the list in reverse: it hands every operation the gradient of
 * its outputs and gets those of its inputs (Wengert 1964; reverse-mode differentiation). On the
 * way, an operation with parameters calls `gradient(layer, factors)`: here a collector sees *what
 * flowed in and what flowed back*, for all images of the batch at once.
 *
 * Two things make it fit in memory. `block` is the tape's `tf.tidy`: what it returns and what an
 * operation saved survives, everything else computed inside is freed. And the backward pass frees
 * an operation's saved tensors as soon as it has passed the operation.
 *
 * A tape without a collector only goes forward and saves nothing.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, tf } from '../backend/index';
import type { Collector } from './collector';
import type { Factors } from './factors';
import type { Layer } from './layer';
import { sumOfUses } from './sum-of-uses';

/** A tensor on its way through the model. */
export class Value {
  constructor(
    readonly tensor: Tensor,
    /** Whether the backward pass has to compute the gradient with respect to this value. */
    readonly needed: boolean,
  ) {}

  get shape(): number[] {
    return this.tensor.shape;
  }
}

/** For a tensor a value, for a list of tensors as many values. */
type ValuesOf<Out> = Out extends Tensor ? Value : { -readonly [K in keyof Out]: Value };
/** For a tensor its gradient, for a list of tensors the list of theirs. */
type GradientsOf<Out> = Out extends Tensor ? Tensor : { readonly [K in keyof Out]: Tensor };

/**
 * A gradient or null for each input. (The second alternative matches nothing; it makes TypeScript
 * 5.0 infer a tuple for a list that is written out.)
 */
type GradientsOfInputs<In> = { readonly [K in keyof In]: Tensor | null } | readonly [never];

/** An operation that was computed, as it goes on a tape. */
export interface Operation<In extends readonly Value[], Out extends Tensor | readonly Tensor[]> {
  readonly inputs: In;
  /** The layers it uses; `back` calls {@link Tape.gradient} once for each of them. */
  readonly layers?: readonly Layer[];
  /** What came out: a tensor, or a list of them. */
  readonly output: Out;
  /** The tensors that `back` reads, but never a layer's variable. */
  readonly saved?: readonly Tensor[];
  /**
   * From the gradient of the output (or the list of those of the outputs, zeros where nothing
   * flowed back) to those of the inputs; null for an input that is not `needed`.
   */
  back(dy: GradientsOf<Out>): GradientsOfInputs<In>;
}

interface Node {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly saved: readonly Tensor[];
  readonly back: (dys: readonly Tensor[]) => readonly (Tensor | null)[];
}

export class Tape {
  private readonly nodes: Node[] = [];
  /** How many operations still need a saved tensor. */
  private readonly holders = new Map<Tensor, number>();
  private readonly uses = new Map<Layer, number>();
  /** Gradients that have flowed back so far and are not used up. */
  private readonly flowing = new Map<Value, Tensor>();
  /**
   * Gradients of layers that are used again further up: their factors are built, for what they are
   * built from is soon freed.
   */
  private readonly pending = new Map<Layer, Factors[]>();

  private readonly shared = new Map<string, Tensor>();

  /**
   * @param observed where {@link observe} puts what it is given; the tensors are the caller's to
   *   free
   */
  constructor(
    private readonly collector?: Collector,
    private readonly observed?: Map<Layer, Tensor>,
  ) {}

  get recording(): boolean {
    return this.collector !== undefined;
  }

  /**
   * A value no gradient flows to. The tape works on a clone (of the same numbers): it frees what it
   * saves.
   */
  constant(tensor: Tensor): Value {
    return new Value(tf.clone(tensor), false);
  }

  /** A value whose gradient is wanted, see {@link backward}. */
  input(tensor: Tensor): Value {
    return new Value(tf.clone(tensor), this.recording);
  }

  /** Writes an operation down: the value that came out, or the list of them. */
  apply<const In extends readonly Value[], const Out extends Tensor | readonly Tensor[]>(
    operation: Operation<In, Out>,
  ): ValuesOf<Out> {
    const { inputs, layers = [], output, saved = [] } = operation;
    const single = output instanceof tf.Tensor;
    const tensors: readonly Tensor[] = single ? [output] : output;
    const needed =
      this.recording &&
      (layers.some((layer) => !layer.frozen) || inputs.some((value) => value.needed));
    const values = tensors.map((tensor) => new Value(tensor, needed));
    if (needed) {
      for (const layer of layers) this.uses.set(layer, (this.uses.get(layer) ?? 0) + 1);
      for (const tensor of saved) {
        this.holders.set(tensor, (this.holders.get(tensor) ?? 0) + 1);
        tf.keep(tensor);
      }
      // one or many, as the types say: here alone they cannot see it
      const back: Node['back'] = (dys) => operation.back((single ? dys[0] : dys) as never);
      this.nodes.push({ inputs, outputs: values, saved, back });
    }
    return (single ? values[0] : values) as ValuesOf<Out>;
  }

  /** `tf.tidy` for operations: frees what is neither returned nor saved. */
  block<const T extends Value | readonly Value[]>(compute: () => T): T {
    const results: T[] = [];
    tf.tidy(() => {
      const result = compute();
      results.push(result);
      const values: readonly Value[] = result instanceof Value ? [result] : result;
      return values.map(({ tensor }) => tensor);
    });
    return at(results, 0);
  }

  /**
   * A constant tensor that many operations of a pass want, made once:
   * `memo('strictly lower 12', make)`. It belongs to the tape.
   */
  memo(name: string, make: () => Tensor): Tensor {
    if (!this.recording) return make();
    const known = this.shared.get(name);
    if (known !== undefined) return known;
    const made = tf.keep(tf.tidy(make));
    this.shared.set(name, made);
    return made;
  }

  /** Called by an operation: what a buffer is to follow after a training step. */
  observe(buffer: Layer, statistic: Tensor): void {
    this.observed?.set(buffer, tf.keep(tf.clone(statistic)));
  }

  /**
   * Called by an operation on the way back: the gradient of one of its layers. From then on the
   * factors are the tape's, which frees them.
   */
  gradient(layer: Layer, factors: Factors): void {
    if (layer.frozen || this.collector === undefined) {
      factors.dispose();
      return;
    }
    const left = (this.uses.get(layer) ?? 1) - 1;
    this.uses.set(layer, left);
    const uses = [...(this.pending.get(layer) ?? []), factors];
    if (left > 0) {
      factors.keep();
      this.pending.set(layer, uses);
      return;
    }
    this.pending.delete(layer);
    const all = sumOfUses(uses);
    try {
      this.collector.collect(layer, all);
    } finally {
      for (const use of [all, ...uses]) use.dispose();
    }
  }

  /**
   * Walks back from `root`, whose gradient is 1 for each of its elements. A tape walks back once.
   * @returns the gradient of the sum of `root` with respect to each of `wanted`
   */
  backward(root: Value, wanted: readonly Value[] = []): Tensor[] {
    if (root.needed) this.flowing.set(root, tf.keep(tf.onesLike(root.tensor)));
    for (let node = this.nodes.pop(); node !== undefined; node = this.nodes.pop()) this.step(node);
    // Clones belong to the caller's tidy; what the tape kept goes with `dispose`.
    return wanted.map((value) => this.flowing.get(value)?.clone() ?? tf.zerosLike(value.tensor));
  }

  /** Frees what is saved, where a pass is given up half-way. */
  dispose(): void {
    for (const value of this.flowing.values()) value.dispose();
    this.flowing.clear();
    tf.dispose([...this.holders.keys()]);
    this.holders.clear();
    this.nodes.length = 0;
    tf.dispose([...this.shared.values()]);
    this.shared.clear();
    for (const factors of [...this.pending.values()].flat()) factors.dispose();
    this.pending.clear();
  }

  private step(node: Node): void {
    const { flowing } = this;
    if (node.outputs.some((value) => flowing.has(value))) {
      const { inputs } = node;
      tf.tidy(() => {
        const dys = node.outputs.map((value) => flowing.get(value) ?? tf.zeros(value.shape));
        node.back(dys).forEach((dx, k) => {
          const input = inputs[k];
          if (dx === null || input === undefined || !input.needed) return;
          const before = flowing.get(input);
          // A clone shares its numbers: an operation may pass on the very tensor that came in.
          flowing.set(input, tf.keep(before === undefined ? dx.clone() : tf.add(before, dx)));
          before?.dispose();
        });
      });
    }
    for (const value of node.outputs) {
      flowing.get(value)?.dispose();
      flowing.delete(value);
    }
    this.release(node.saved);
  }

  private release(saved: readonly Tensor[]): void {
    for (const tensor of saved) {
      const left = (this.holders.get(tensor) ?? 1) - 1;
      if (left > 0) {
        this.holders.set(tensor, left);
      } else {
        this.holders.delete(tensor);
        tensor.dispose();
      }
    }
  }
}
