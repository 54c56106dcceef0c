/**
 * # Parity with the paper's own code
 *
 * A reference file holds what the paper's PyTorch code computes, in float64, for a model whose
 * weights, images and noise come from a formula (a number stream, see `uniformAt`), so the file
 * needs to hold results only. Here the same model is built by the same formula, and every number is
 * compared: the objective and ‖∂ objective/∂θ_j‖² of each tensor, for image 0, for image 1 and for
 * both summed.
 *
 * Tolerances (relative): 1e-4 for every number; in the paper's full-size Glow, where a ReLU may
 * flip in float32, 1e-4 for 99 % and 5e-3 for all.
 *
 * Flips depend on the machine. A gradient jumps where the input of a ReLU crosses zero, and among
 * ten million inputs a few are closer to zero than float32 can tell. On one processor all of them
 * fall on the side of the float64 reference; on another, one does not, and then all tensors before
 * it are off by a thousandth and those behind it by a millionth. Both results are right. So where a
 * file does not agree, the images are moved by a hundred-thousandth of a pixel value, at most about
 * ten times. That decides anew for the few inputs on the edge and changes nothing else; a mistake
 * agrees nowhere.
 */
import { readFileSync } from 'node:fs';
import { at, numbersOf, tf, uniforms } from '../backend/index';
import { checked } from '../checked-json';
import { FisherlabError } from '../errors';
import { groupNorms, type Layer } from '../gradients/index';
import { disposeModel } from './checkpoint';
import { createModel, familyOf } from './families';
import type { Model, TapedModel } from './model';
import {
  fill,
  REFERENCE_FILE,
  REFERENCE_SHAPE,
  type ReferenceFile,
  referenceImages,
} from './reference-case';

export interface ParityResult {
  readonly tensors: number;
  /**
   * Relative errors: of the objective, the 99th percentile over all tensors' norms, the worst of
   * them.
   */
  readonly objective: number;
  readonly p99: number;
  readonly worst: number;
  /** How often the images were moved to get these. */
  readonly nudges: number;
  readonly ok: boolean;
}

/** Norms of a layer without gradients. */
const NONE = new Float32Array(2);

/** Most moves of the images, and how far, in pixel values. */
const [NUDGES, NUDGE] = [10, 1e-5];

/** Largest relative error of every number. */
const TOLERANCE = 1e-4;

/**
 * Compares one reference file.
 * @throws {FisherlabError} if the file cannot be compared at all
 */
export function compareWithReference(path: string): ParityResult {
  const file = readReference(path);
  return tf.tidy(() => {
    const found = referenceCase(file, path);
    try {
      checkNames(found.model.layers, file, path);
      return { ...closest(file, found) };
    } finally {
      disposeModel(found.model);
    }
  });
}

/** The errors where the images are, or moved until they agree or no further. */
function closest(file: ReferenceFile, found: ReferenceCase): ParityResult {
  const { images } = found;
  let best = errors(file, found, 0);
  for (let k = 1; k <= NUDGES && !best.ok; k++) {
    const move = tf.tensor(uniforms(k, images.size), images.shape);
    const moved = errors(file, { ...found, images: tf.add(images, tf.mul(NUDGE, move)) }, k);
    if (moved.ok || moved.p99 < best.p99) best = moved;
  }
  return best;
}

function errors(
  file: ReferenceFile,
  { model, images, noise, worst: allowed }: ReferenceCase,
  nudges: number,
): ParityResult {
  const single = squaredNorms(model, images, noise, 1);
  const joint = squaredNorms(model, images, noise, 2);
  const objective = single.objective;
  const all = file.tensors.flatMap(({ squaredNorm }, j) => [
    relativeError(single.norms[j]?.[0], squaredNorm[0]),
    relativeError(single.norms[j]?.[1], squaredNorm[1]),
    relativeError(joint.norms[j]?.[0], squaredNorm[2]),
  ]);
  const sorted = Float64Array.from(all).sort();
  const worst = sorted[sorted.length - 1] ?? 0;
  const p99 = sorted[Math.ceil(0.99 * sorted.length) - 1] ?? 0;
  const objectiveError = Math.max(
    relativeError(objective[0], file.objective[0]),
    relativeError(objective[1], file.objective[1]),
    relativeError(at(objective, 0) + at(objective, 1), file.objective[2]),
  );
  return {
    tensors: file.tensors.length,
    objective: objectiveError,
    p99,
    worst,
    nudges,
    ok: objectiveError <= TOLERANCE && p99 <= TOLERANCE && worst <= allowed,
  };
}

function squaredNorms(
  model: Model,
  images: tf.Tensor,
  noise: tf.Tensor,
  B: number,
): { objective: Float32Array; norms: Float32Array[] } {
  const found = groupNorms(B);
  try {
    const objective = numbersOf(model.gradients(images, noise, found));
    const norms = found.numbers('norms');
    return { objective, norms: model.layers.map(({ name }) => norms.get(name) ?? NONE) };
  } finally {
    found.dispose();
  }
}

/**
 * The JSON in a file.
 * @throws {FisherlabError} if there is none
 */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new FisherlabError(
      `${path} cannot be read: ${(error as Error).message}`,
      'it is damaged; get it again',
    );
  }
}

function readReference(path: string): ReferenceFile {
  return checked(readJson(path), REFERENCE_FILE, {
    what: path,
    howToFix: 'get it again: it is a reference file of a model',
  });
}

/** The model, images and noise that a file describes, and the tolerance of its norms. */
interface ReferenceCase {
  readonly model: TapedModel;
  /** Two of them, [2, H, W, C]. */
  readonly images: tf.Tensor;
  readonly noise: tf.Tensor;
  readonly worst: number;
}

function referenceCase(file: ReferenceFile, path: string): ReferenceCase {
  const { seed, model: name } = file;
  const { reference: rules } = familyOf(name);
  if (rules === undefined)
    throw new FisherlabError(
      `${path} is of a ${name} model, of which nothing is compared`,
      "give its family a 'reference'",
    );
  const config = { family: name, imageShape: REFERENCE_SHAPE, seed, ...rules.entries(file) };
  const model = createModel(config);
  fill(model.layers, seed, rules.amplitude);
  rules.setBuffers?.(model.buffers, seed);
  return {
    model,
    images: referenceImages(seed),
    noise: rules.noise(config, seed),
    worst: rules.worst?.(config) ?? TOLERANCE,
  };
}

/** |a − b| / |b|; 0 where both are 0; infinite where `a` is missing, NaN, or not 0 while `b` is. */
export function relativeError(a: number | undefined, b: number): number {
  if (a === b) return 0;
  if (a === undefined || !Number.isFinite(a) || b === 0) return Number.POSITIVE_INFINITY;
  return Math.abs(a - b) / Math.abs(b);
}

function checkNames(layers: readonly Layer[], file: ReferenceFile, path: string): void {
  const expected = file.tensors.map(({ name, shape }) => `${name} [${shape.join(', ')}]`);
  const found = layers.map(({ name, torchShape }) => `${name} [${torchShape.join(', ')}]`);
  const k = expected.findIndex((name, j) => name !== found[j]);
  if (k >= 0 || expected.length !== found.length) {
    throw new FisherlabError(
      `${path}: the model has ${found.length} tensors, the file ${expected.length}; at ${Math.max(k, 0)} it has '${found[k]}', the file '${expected[k]}'`,
      'the file is of another architecture',
    );
  }
}
