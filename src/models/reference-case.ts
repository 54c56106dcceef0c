/**
 * # A model by formula
 *
 * A file of the paper's own numbers does not hold weights, images or noise: both sides compute them
 * from number streams, which are numbered by the file's seed s.
 *
 * | stream | numbers |
 * |---|---|
 * | 1000 s + k | parameter tensor k: centre + amplitude (2u − 1), by the family's rule |
 * | 1000 s + 500 + k | buffer k, where the family has buffers that are learnt |
 * | 1 000 000 + s | two images |
 * | 2 000 000 + s, 3 000 000 + s | uniform, normal noise |
 */
import type { Tensor } from '@tensorflow/tfjs';
import * as v from 'valibot';
import { normals, tf, uniforms } from '../backend/index';
import { type Layer, setLayer } from '../gradients/index';
import type { ImageShape } from './model';

const triple = v.strictTuple([v.number(), v.number(), v.number()]);

/** What a file of reference values holds; the sizes of its model lie beside these. */
export const REFERENCE_FILE = v.looseObject({
  model: v.string(),
  seed: v.pipe(v.number(), v.safeInteger()),
  objective: triple,
  tensors: v.array(v.object({ name: v.string(), shape: v.array(v.number()), squaredNorm: triple })),
});
export type ReferenceFile = v.InferOutput<typeof REFERENCE_FILE>;

/** Where the numbers of a tensor lie: in centre ± amplitude. */
export type Amplitude = (
  name: string,
  shape: readonly number[],
) => { readonly centre: number; readonly amplitude: number };

/** How a family makes a model from a file's seed. */
export interface ReferenceRules<C> {
  /** The family's own entries of the configuration, as the file has them. */
  entries(file: ReferenceFile): Readonly<Record<string, unknown>>;
  readonly amplitude: Amplitude;
  /** Gives buffers the file's values, where they are not those of a new model. */
  setBuffers?(buffers: readonly Layer[], seed: number): void;
  /** The noise of the two images. */
  noise(config: C, seed: number): Tensor;
  /** The largest relative error of a squared norm, where it is not that of all numbers. */
  worst?(config: C): number | undefined;
}

/** Of the images of all reference files. */
export const REFERENCE_SHAPE: ImageShape = [32, 32, 3];

/** Gives parameters the file's values. */
export function fill(layers: readonly Layer[], seed: number, rule: Amplitude): void {
  layers.forEach((layer, k) => {
    const { centre, amplitude } = rule(layer.name, layer.torchShape);
    const size = layer.torchShape.reduce((product, length) => product * length, 1);
    setLayer(
      layer,
      uniforms(1000 * seed + k, size).map((u) => centre + amplitude * (2 * u - 1)),
    );
  });
}

/** The file's two images, [2, H, W, C]. */
export function referenceImages(seed: number): Tensor {
  const shape = [2, ...REFERENCE_SHAPE];
  return tf.tensor(
    uniforms(1_000_000 + seed, tf.util.sizeFromShape(shape)).map((u) => Math.floor(256 * u)),
    shape,
  );
}

/** Uniform noise in the images' shape. */
export function referenceUniforms(seed: number): Tensor {
  const shape = [2, ...REFERENCE_SHAPE];
  return tf.tensor(uniforms(2_000_000 + seed, tf.util.sizeFromShape(shape)), shape);
}

/** Normal noise of a shape. */
export function referenceNormals(seed: number, shape: readonly number[]): Tensor {
  return tf.tensor(normals(3_000_000 + seed, tf.util.sizeFromShape([...shape])), [...shape]);
}

/** Numbers of a tensor that one entry of the first axis sees: its fan-in. */
export function sizeBehindFirst(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, length) => product * length, 1);
}
