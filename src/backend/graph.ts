/**
 * # Replaying a computation as one graph
 *
 * An eager operation costs 20 to 40 µs before it computes anything, a pass of a small model has
 * thousands of operations, and cores wait between them. Recorded once (`recording.ts`) and given to
 * TensorFlow as a graph, the same operations run back to back. What depends on no image (scaled
 * filters, the matrices of a 1x1 convolution) is computed once for all calls with the same weights.
 * Since images do not depend on each other, they are divided into parts, and a thread of its own
 * computes each part from the first operation to the last:
 *
 *     weights → prepared
 *     batch [p·n, …] → p parts [n, …], each with what is prepared → rows joined, sums added
 *
 * So every core runs a pass of its own, over as few images as fit in its cache. (Batch
 * normalisation in training is the exception: its parts run in step, `sumOverParts`.) The
 * operations are TensorFlow.js's own, with the same attributes; only some are written as oneDNN
 * likes them (`graph-onednn.ts`).
 */

import os from 'node:os';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs';
import { at, lengthOf } from './checked';
import { isOffered } from './convolution-with-bias';
import { sessionConfiguration } from './graph-definition';
import { trial } from './graph-onednn';
import { native } from './primitives';
import { definition, isOfBatch, ofWeightsAlone, placeholder, typesOf } from './recorded-graph';
import { record, SUM_OVER_PARTS } from './recording';
import { addonFolder, tf } from './start';

/**
 * A computation over images, all float32: `rows` have the images (or groups of them) along the
 * first axis, `sums` are sums over them.
 */
export type Computation = (batch: readonly Tensor[]) => {
  readonly rows: readonly Tensor[];
  readonly sums: readonly Tensor[];
};

/** The functions of `graph.cc`. Names are those of outputs of operations, `name:k`. */
interface Addon {
  compile(
    graph: Uint8Array,
    config: Uint8Array,
    batch: readonly string[],
    weights: readonly string[],
    prepared: readonly string[],
    outputs: readonly string[],
  ): object;
  prepare(
    handle: object,
    weights: readonly Float32Array[],
    shapes: readonly (readonly number[])[],
  ): void;
  run(
    handle: object,
    batch: readonly Float32Array[],
    shapes: readonly (readonly number[])[],
    parts: number,
    threads: number,
    rows: number,
  ): Float32Array[];
}

export class Graph {
  /**
   * The numbers that the graph was prepared with: TensorFlow.js never changes those of an id, and a
   * variable that is assigned to has another id.
   */
  private prepared: readonly object[] = [];

  private constructor(
    private readonly addon: Addon,
    private readonly handle: object,
    /** Images of a part. */
    readonly part: number,
    private readonly rows: number,
    /** Whether parts depend on each other, so that all have to be computed at the same time. */
    private readonly inStep: boolean,
  ) {}

  /**
   * Records `compute` on `batch` [n, …] and makes a graph of it.
   * @param batch float32, the images along the first axis
   * @param shared float32 tensors that `compute` reads and that may hold other numbers at every
   *   call: weights
   * @returns null where the computation cannot be had as a graph (see {@link record})
   */
  static of(
    compute: Computation,
    batch: readonly Tensor[],
    shared: readonly Tensor[],
  ): Graph | null {
    const inputs = new Map<string, Tensor>();
    for (const [k, tensor] of batch.entries()) inputs.set(`batch${k}:0`, tensor);
    for (const [k, tensor] of shared.entries()) inputs.set(`shared${k}:0`, tensor);
    let rows = 0;
    const backend = native();
    // tried now, for the trial is not part of what is recorded
    if (backend !== null) isOffered(backend);
    tf.engine().startScope();
    try {
      const recording = record(inputs, () => {
        const results = compute(batch);
        rows = results.rows.length;
        return [...results.rows, ...results.sums];
      });
      if (recording === null) return null;
      const names = [...inputs.keys()];
      const addon = require(path.join(addonFolder(), 'graph.node')) as Addon;
      const handle = addon.compile(
        definition(recording, inputs, hasOneDnn(addon)),
        sessionConfiguration(),
        names.filter(isOfBatch),
        names.filter((name) => !isOfBatch(name)).map(placeholder),
        ofWeightsAlone(recording),
        recording.results.map((_, k) => `output${k}:0`),
      );
      const inStep = recording.operations.some(({ name }) => name === SUM_OVER_PARTS);
      return new Graph(addon, handle, lengthOf(at(batch, 0)), rows, inStep);
    } finally {
      tf.engine().endScope(); // what the recorded run made
    }
  }

  /**
   * The computation for `batch` [N, …] in parts of as many images as were recorded, the last one
   * filled up with the first image again and again: the numbers of each output, `rows` without
   * those of the filling.
   * @param batch where the computation has sums, whole parts, for the filling would be counted
   * @param threads how many parts are computed at the same time, unless all have to be
   */
  run(
    batch: readonly Tensor[],
    shared: readonly Tensor[],
    threads = os.availableParallelism(),
  ): { rows: Float32Array[]; sums: Float32Array[] } {
    const ids = shared.map(({ dataId }) => dataId);
    const numbers = (tensors: readonly Tensor[]) =>
      tensors.map((tensor) => tensor.dataSync() as Float32Array);
    if (ids.length !== this.prepared.length || ids.some((id, k) => id !== this.prepared[k])) {
      this.prepared = [];
      this.addon.prepare(
        this.handle,
        numbers(shared),
        shared.map(({ shape }) => shape),
      );
      this.prepared = ids;
    }
    const count = lengthOf(at(batch, 0));
    const parts = Math.ceil(count / this.part);
    const whole = parts * this.part;
    const shapes = batch.map(({ shape }) => [this.part, ...shape.slice(1)]);
    const images = numbers(batch).map((values) => filledUp(values, count, whole));
    const together = this.inStep ? parts : threads;
    const results = this.addon.run(this.handle, images, shapes, parts, together, this.rows);
    const [rows, sums] = [results.slice(0, this.rows), results.slice(this.rows)];
    if (sums.length > 0 && whole !== count)
      throw new Error(`${count} images are not whole parts of ${this.part}`);
    return {
      rows: rows.map((values) => values.subarray(0, (values.length * count) / whole)),
      sums,
    };
  }
}

/**
 * The numbers of `count` images, then those of the first one again and again, up to `whole` images.
 */
function filledUp(values: Float32Array, count: number, whole: number): Float32Array {
  if (whole === count) return values;
  const size = values.length / count;
  const filled = new Float32Array(whole * size);
  filled.set(values);
  for (let image = count; image < whole; image++) filled.copyWithin(image * size, 0, size);
  return filled;
}

/** Tried once a process. */
let oneDnn: boolean | undefined;

function hasOneDnn(addon: Addon): boolean {
  oneDnn ??= tryOneDnn(addon);
  return oneDnn;
}

function tryOneDnn(addon: Addon): boolean {
  try {
    const { graph, output } = trial(typesOf());
    const handle = addon.compile(graph, sessionConfiguration(), [], [], [], [output]);
    return addon.run(handle, [], [], 1, 1, 1)[0]?.[0] === 3; // relu(1 · 1 + 1) · 1 + 1 · 1
  } catch {
    return false;
  }
}
