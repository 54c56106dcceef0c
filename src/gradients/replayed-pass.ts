/**
 * # A collector's pass, replayed
 *
 * What a collector makes of a layer is mostly of two kinds: rows, each computed from its own images
 * alone (gradients [N/B, |θ|], norms [N/B]), and sums over images (of squares, of outer products).
 * Both can be computed for one part of the images after another: rows are joined, sums added up,
 *
 *     rows(x_1 … x_N) = rows(part 1) ‖ rows(part 2) ‖ …,     sums(x_1 … x_N) = Σ_p sums(part p),
 *
 * as a graph does with one thread for each part (`backend/graph.ts`). The pass is recorded with an
 * empty collector, and the graph's results go to the collector that asked. A Gram matrix between
 * all images is of neither kind and is computed eagerly.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, Graph, lengthOf, pair, tf } from '../backend/index';
import { bytesPerImage } from './batch-size';
import type { Collector } from './collector';
import type { Differentiable } from './features';
import { graphPays, imagesOfAPart } from './graph-rule';
import type { Layer } from './layer';

/** Where an output of the graph belongs. */
interface Place {
  readonly layer: Layer;
  readonly operation: string;
  readonly key: string;
  /** Of the tensor that the recorded part gave; rows have more along the first axis. */
  readonly shape: readonly number[];
}

export class ReplayedPass {
  private constructor(
    private readonly graph: Graph,
    private readonly variables: readonly Tensor[],
    private readonly collector: Collector,
    private readonly rows: readonly Place[],
    private readonly sums: readonly Place[],
  ) {}

  /**
   * A graph of the pass, made with the first images of a block.
   * @param total images in all
   * @returns null where it does not pay, or cannot be had: on another backend, or where the
   *   collector has tensors of another kind
   */
  static of(
    model: Differentiable,
    collector: Collector,
    { images, noise }: { readonly images: Tensor; readonly noise: Tensor },
    total: number,
  ): ReplayedPass | null {
    if (!collector.isOfParts || total < 2 || lengthOf(images) < 2) return null;
    const [bytes, layers] = [bytesPerImage(model, images, noise), model.layers.length];
    const n = imagesOfAPart(bytes);
    if (lengthOf(images) < n || !graphPays({ images: total, bytes, layers })) return null;
    const [rows, sums]: [Place[], Place[]] = [[], []];
    let isWhole = false; // some tensor is of all images at once
    const part = tf.tidy(() => [tf.slice(images, 0, n), tf.slice(noise, 0, n)]);
    const variables = model.layers.map(({ variable }) => variable);
    try {
      const compute = (batch: readonly Tensor[]) => {
        const own = collector.fresh();
        const found: { rows: Tensor[]; sums: Tensor[] } = { rows: [], sums: [] };
        try {
          const [some, theirNoise] = pair(batch);
          model.gradients(some, theirNoise, own);
          for (const [layer, tensors] of own.byLayer) {
            for (const [key, tensor] of Object.entries<Tensor>(tensors)) {
              const kind = own.kindOf(key);
              if (kind === undefined) isWhole = true;
              const { shape } = tensor;
              const place = { layer, operation: own.operationOf(layer), key, shape };
              (kind === 'rows' ? rows : sums).push(place);
              found[kind ?? 'sums'].push(tf.clone(tensor));
            }
          }
          return found;
        } finally {
          own.dispose();
        }
      };
      const graph = Graph.of(compute, part, variables);
      if (graph === null || isWhole) return null;
      return new ReplayedPass(graph, variables, collector, rows, sums);
    } finally {
      tf.dispose(part);
    }
  }

  /** Whether a block of so many images is made of whole parts. */
  takes(images: number): boolean {
    return images % this.graph.part === 0;
  }

  /** Hands what the pass makes of a block's layers to the collector. */
  run(images: Tensor, noise: Tensor): void {
    const made = this.graph.run([images, noise], this.variables);
    const parts = lengthOf(images) / this.graph.part;
    tf.tidy(() => {
      const byLayer = new Map<Layer, { operation: string; tensors: Record<string, Tensor> }>();
      const note = ({ layer, operation, key }: Place, tensor: Tensor) => {
        const known = byLayer.get(layer) ?? { operation, tensors: {} };
        known.tensors[key] = tensor;
        byLayer.set(layer, known);
      };
      this.rows.forEach((place, k) => {
        const [first = 1, ...rest] = place.shape;
        note(place, tf.tensor(at(made.rows, k), [parts * first, ...rest]));
      });
      this.sums.forEach((place, k) => {
        note(place, tf.tensor(at(made.sums, k), [...place.shape]));
      });
      for (const [layer, { operation, tensors }] of byLayer)
        this.collector.add(layer, tensors, operation);
    });
  }
}
