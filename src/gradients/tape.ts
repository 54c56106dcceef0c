/**
 * # The tape: one pass forward, one pass back
 *
 * A model is computed once, operation by operation. Each operation writes down what it needs to go
 * back. The backward pass then walks the list in reverse: it hands every operation the gradient of
 * its outputs and gets those of its inputs (Wengert 1964; reverse-mode differentiation). On the
 * way, an operation with parameters calls `gradient(layer, factors)`: here a visitor sees *what
 * flowed in and what flowed back*, for all images of the batch at once.
 *
 * Two things make it fit in memory. `block` is the tape's `tf.tidy`: of what is computed inside,
 * only what it returns and what an operation saved survives. And the backward pass frees each
 * operation's saved tensors as soon as it has passed it.
 *
 * A tape without a visitor only goes forward and saves nothing.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import { Factors } from './factors';
import type { Layer } from './layer';

/**
 * Looks at the gradients of one layer. Tensors made inside are freed after the call unless they are
 * kept (`tf.keep`).
 */
export type Visitor = (layer: Layer, gradient: Factors) => void;

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

/**
 * Gradients of an operation's inputs from those of its outputs (null where nothing flowed back).
 */
export type Back = (...dys: (Tensor | null)[]) => (Tensor | null)[];

interface Node {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly saved: readonly Tensor[];
  readonly back: Back;
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

  constructor(private readonly visitor?: Visitor) {}

  get recording(): boolean {
    return this.visitor !== undefined;
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

  /**
   * Writes an operation down.
   * @param layers the layers it uses; the operation calls {@link gradient} for each of them on the
   *   way back
   * @param saved the tensors that `back` reads
   */
  record(
    inputs: readonly Value[],
    layers: readonly Layer[],
    outputs: readonly Tensor[],
    saved: readonly Tensor[],
    back: Back,
  ): Value[] {
    const needed =
      this.recording &&
      (layers.some((layer) => !layer.frozen) || inputs.some((value) => value.needed));
    const values = outputs.map((tensor) => new Value(tensor, needed));
    if (!needed) return values;
    for (const layer of layers) this.uses.set(layer, (this.uses.get(layer) ?? 0) + 1);
    for (const tensor of saved) {
      this.holders.set(tensor, (this.holders.get(tensor) ?? 0) + 1);
      tf.keep(tensor);
    }
    this.nodes.push({ inputs, outputs: values, saved, back });
    return values;
  }

  /** `tf.tidy` for operations: frees what is neither returned nor saved. */
  block<T extends Value | Value[]>(compute: () => T): T {
    let result: T | undefined;
    tf.tidy(() => {
      result = compute();
      return (Array.isArray(result) ? result : [result]).map((value) => (value as Value).tensor);
    });
    return result as T;
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

  /**
   * Called by an operation on the way back: the gradient of one of its layers. From then on the
   * factors are the tape's, which frees them.
   */
  gradient(layer: Layer, factors: Factors): void {
    if (layer.frozen || this.visitor === undefined) {
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
    const all = uses.length === 1 ? factors : Factors.sum(uses);
    try {
      this.visitor(layer, all);
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
    const dys = node.outputs.map((value) => flowing.get(value) ?? null);
    if (dys.some((dy) => dy !== null)) {
      const { inputs } = node;
      tf.tidy(() => {
        node.back(...dys).forEach((dx, k) => {
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
