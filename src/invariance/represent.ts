/**
 * # A model seen through a representation
 *
 * `represent(model, T)` is the same distribution of images, with the same parameters θ, written
 * down in T's space:
 *
 *     log p_T^θ(y) = log p_X^θ(x) − log|det J_T(x)|,     x = T⁻¹(y) .
 *
 * It is a model like any other, so every feature, detector and Fisher matrix works on it unchanged;
 * its "images" are points y. Since the second term holds no θ,
 *
 *     ∇_θ log p_T^θ(T(x)) = ∇_θ log p_X^θ(x)  (prop:invariance)
 *
 * (Proposition 1 of Dauncey, Holmes, Williams & Falck 2024), and `gradients` hands the model's own
 * gradients on. What it can *not* do is learn in T's space: a model trained on points y has other
 * parameters.
 *
 * **Units.** T acts on the unit cube, x = (k + u)/256 for 8-bit values k and uniform noise u; the
 * model takes pixel values 256·x. Its log-likelihood is per 8-bit cell, and stays so: for the
 * identity T nothing changes.
 *
 * **Noise.** A point y already holds its dequantisation. Where that is all the noise a model has
 * (flows), the represented model's noise is zero; other noise (latent, diffusion) is the model's.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import {
  Collector,
  checkImages,
  gradientsOfGroups,
  type ImageShape,
  type Layer,
  type Model,
} from '../models/index';
import { dequantised, toLattice } from './lattice';
import { assertInside, type Representation } from './representation';

/** A model whose images are points y = T(x). */
export interface RepresentedModel extends Model {
  readonly representation: Representation;
  /**
   * What the model itself is given for points y: the pixel values 256·T⁻¹(y). Points of several
   * spaces can so pass through it as one batch.
   */
  pixels(y: Tensor): Tensor;
  /** The shape of one y. */
  readonly imageShape: ImageShape;
  /**
   * The points of 8-bit images `[N, H, W, C]` (0…255): T((k + u)/256), where an image's noise u is
   * that of its index and `seed` (lattice.ts). A `FisherlabError` where one lies outside the domain
   * of T.
   */
  points(images: Tensor, indices: readonly number[], seed: number): Tensor;
}

export interface RepresentOptions {
  /**
   * Whether the model's noise is nothing but dequantisation, which the points y already hold.
   * Default: what the model says.
   */
  readonly dequantises?: boolean;
  /**
   * Rounds T⁻¹(y) to the lattice of `points`, which undoes float32's rounding (lattice.ts). Only
   * for y = T(x) made by `points` or `sample`.
   */
  readonly lattice?: boolean;
}

/** The model in the space of T. */
export function represent(
  model: Model,
  T: Representation,
  options: RepresentOptions = {},
): RepresentedModel {
  const { dequantises = model.dequantises ?? false, lattice = false } = options;
  const imageShape = tf.tidy(() =>
    T.forward<Tensor>(tf.fill([1, ...model.imageShape], 0.5)).shape.slice(1),
  ) as [number, number, number];
  const self = { family: `${model.family} through ${T.name}`, imageShape };

  /** The unit-cube image x of y, inside the domain. */
  const imageOf = (y: Tensor): Tensor => {
    checkImages(self, y);
    const x = T.inverse(y);
    return inside(T, lattice ? toLattice(x) : x);
  };
  const seen = (y: Tensor, ofPixels: (pixels: Tensor) => Tensor): Tensor =>
    tf.tidy(() => {
      const x = imageOf(y);
      return ofPixels(tf.mul(x, 256)).sub(T.logAbsDetJacobian(x)); // [N]
    });

  return {
    ...self,
    representation: T,
    layers: model.layers,
    buffers: model.buffers,
    noise: (indices, seed) =>
      dequantises ? tf.zeros([indices.length, ...model.imageShape]) : model.noise(indices, seed),
    logLikelihood: (y, noise) => seen(y, (pixels) => model.logLikelihood(pixels, noise)),
    gradients: (y, noise, collector) =>
      seen(y, (pixels) => model.gradients(pixels, noise, collector)),
    pixels: (y) => tf.tidy(() => tf.mul(imageOf(y), 256)),
    /** ∂/∂y = (∂x/∂y)ᵀ · (256·∂ log p/∂pixels − ∂ log|det J|/∂x). */
    imageGradient: (y, noise) =>
      tf.tidy(() => {
        const x = imageOf(y);
        const ofLogDet = tf.grad((at: Tensor) => T.logAbsDetJacobian(at))(x);
        const byImage = model.imageGradient(tf.mul(x, 256), noise).mul(256).sub(ofLogDet);
        return tf.grad((at: Tensor) => T.inverse(at).mul(byImage).sum())(y);
      }),
    sample: (n, seed) =>
      tf.tidy(() => {
        const indices = Array.from({ length: n }, (_, i) => i);
        return T.forward(inside(T, dequantised(model.sample(n, seed), indices, seed)));
      }),
    points: (images, indices, seed) =>
      tf.tidy(() => {
        checkImages(model, images);
        return T.forward(inside(T, dequantised(images, indices, seed)));
      }),
  };
}

/** x itself, or an error that names the first image outside the domain. */
function inside(T: Representation, x: Tensor): Tensor {
  if (T.margin !== undefined)
    assertInside(
      T,
      tf.tidy(() => (T.margin as NonNullable<typeof T.margin>)(x).dataSync()),
    );
  return x;
}

/** How much the gradients of one layer differ between two passes over the same images. */
export interface GradientDifference {
  readonly layer: Layer;
  /**
   * √(Σ_n ‖g_n − g′_n‖² / Σ_n ‖g_n‖²) over the images n of the batch; 0 where both are 0. Each
   * image's own gradient counts: in the sum of a trained model the images cancel, and what is left
   * would be compared with rounding errors.
   */
  readonly relative: number;
}

/** One side of a comparison: a model and a batch in its space. */
export interface Pass {
  readonly model: Model;
  readonly images: Tensor;
  readonly noise: Tensor;
}

/**
 * Compares the gradients of every layer in one space with those in each of the others, for the same
 * images: Proposition 1 as a measurement.
 */
export function compareGradients(reference: Pass, ...others: Pass[]): GradientDifference[][] {
  const own = gradientsOfGroups(1);
  const ratio = (gap = Number.NaN, norm = Number.NaN) => (gap === 0 ? 0 : Math.sqrt(gap / norm));
  const pass = ({ model, images, noise }: Pass, collector: Collector) =>
    model.gradients(images, noise, collector).dispose();
  try {
    pass(reference, own);
    return others.map((other) => {
      const differences = new Collector((gradient, layer) => {
        const g = own.byLayer.get(layer)?.gradients; // [N, |θ|]
        if (g === undefined) return null;
        const gap = tf.sum(tf.square(tf.sub(g, gradient.instantiate(1))));
        return { gap, norm: tf.sum(tf.square(g)) };
      });
      try {
        pass(other, differences);
        const [gaps, norms] = [differences.numbers('gap'), differences.numbers('norm')];
        return reference.model.layers
          .filter((layer) => own.byLayer.has(layer))
          .map((layer) => ({
            layer,
            relative: ratio(gaps.get(layer.name)?.[0], norms.get(layer.name)?.[0]),
          }));
      } finally {
        differences.dispose();
      }
    });
  } finally {
    own.dispose();
  }
}
