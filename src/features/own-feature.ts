/**
 * # Your own features, and how their tables are kept
 *
 * The name of a feature does not say what it computes: if you edit a feature and run it again, you
 * must see new numbers. A function can be identified by its text, unless it closes over something
 * that its text does not show. Hence:
 *
 * - A feature made by `defineFeature` is computed by its function *compiled again from its text*
 *   (`closed-function.ts`). As long as that works, and agrees with the original function on the
 *   first images, its numbers depend only on its text and options, and its tables are kept on disk
 *   under these two. (Editing only a comment computes them again, which does no harm.)
 * - If that fails once, the original function takes over. Such a feature, and any object with a
 *   method `of`, is identified by the object itself: its tables are kept until the process ends,
 *   and are computed again if you define it again.
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

/** The number of images a feature is tried on before the full pass. */
const CHECKED = 12;

/** Wraps a user's feature so that its tables can be kept. */
export class OwnFeature implements Feature {
  readonly name: string;
  /** The feature compiled again from its text, as long as that works. */
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

  /** Returns the same wrapper for the same object, so that each feature is checked only once. */
  static of(given: Feature): OwnFeature {
    const known = OwnFeature.known.get(given) ?? new OwnFeature(given);
    OwnFeature.known.set(given, known);
    return known;
  }

  /** Everything its numbers depend on; null if that is unknown. */
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
        this.closed = null; // it uses an outside name, or the next line reports a mistake
      }
    }
    return this.given.of(gradient, B, layer);
  }

  /**
   * Tries the feature on the first images, only once.
   * @throws {FisherlabError} if it has a mistake that `checkFeature` looks for
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
