/**
 * # Features of one's own, and what they are known by
 *
 * The name of a feature says nothing of what it computes: whoever edits one and runs again must see
 * new numbers. What is known of a function is its text, and its numbers depend on more than that if
 * it closes over anything. Hence
 *
 * - a feature of `defineFeature` is computed by the function *made again from its text*
 *   (`closed-function.ts`). As long as that works, and agrees with the function itself on the first
 *   images, text and options are all there is to know: tables are kept on disk under them. (Another
 *   comment in the text computes them again, which does no harm.)
 * - If it fails once, the function itself takes over. Such a feature, and any object with an `of`,
 *   is known by its identity: tables are kept as long as the process lives, and defining it anew
 *   computes them anew.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import { type Images, imagesFor } from '../data/index';
import {
  batchFeatures,
  checkFeature,
  defineFeature,
  type Factors,
  type Feature,
  type Json,
  type Layer,
} from '../gradients/index';
import type { Model } from '../models/index';
import { fromItsText } from './closed-function';

/** Images that decide whether a feature is worth the pass. */
const CHECKED = 12;

/** A reader's feature as tables are made with it. */
export class OwnFeature implements Feature {
  readonly name: string;
  /** The feature made again from its text, as long as that works. */
  private closed: Feature | null;
  private isChecked = false;

  private constructor(private readonly given: Feature) {
    this.name = given.name;
    const { definition } = given;
    const ofLayer = definition === undefined ? null : fromItsText(definition.ofLayer);
    this.closed =
      definition === undefined || ofLayer === null
        ? null
        : defineFeature({ ...definition, ofLayer });
  }

  private static readonly known = new WeakMap<Feature, OwnFeature>();

  /** The same for the same object, so that it is checked once. */
  static of(given: Feature): OwnFeature {
    const known = OwnFeature.known.get(given) ?? new OwnFeature(given);
    OwnFeature.known.set(given, known);
    return known;
  }

  /** All that its numbers depend on; null if that cannot be told. */
  get identity(): Json {
    const definition = this.closed?.definition;
    if (definition === undefined) return null;
    const { name, options = {} } = definition;
    return { name, options, text: String(this.given.definition?.ofLayer) };
  }

  of(gradient: Factors, B: number, layer: Layer): Tensor {
    if (this.closed !== null) {
      try {
        return this.closed.of(gradient, B, layer);
      } catch {
        this.closed = null; // it names something outside, or is wrong: then the next line says so
      }
    }
    return this.given.of(gradient, B, layer);
  }

  /**
   * Tries it on the first images, once.
   * @throws {FisherlabError} if it makes the mistakes that `checkFeature` looks for
   */
  check(model: Model, data: Images, seed: number): void {
    if (this.isChecked) return;
    const count = Math.min(CHECKED, data.count - (data.count % 2));
    const indices = Array.from({ length: count }, (_, k) => k);
    const [images, noise] = [imagesFor(model, data, indices, seed), model.noise(indices, seed)];
    try {
      for (const B of [1, 2].filter((size) => count >= 2 * size && count % size === 0))
        checkFeature(model, this.given, images, noise, B, seed);
      if (this.closed !== null && count > 0) {
        const [ofGiven, ofText] = [this.given, this].map((feature) =>
          batchFeatures(model, images, noise, [feature], [1]).byBatchSize[0]?.map(({ values }) =>
            Array.from(values),
          ),
        );
        if (JSON.stringify(ofGiven) !== JSON.stringify(ofText)) this.closed = null;
      }
      this.isChecked = true;
    } finally {
      tf.dispose([images, noise]);
    }
  }
}
