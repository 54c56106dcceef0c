/**
 * # Parity with the paper's own code
 *
 * A reference file holds what the paper's PyTorch code computes, in float64, for a model whose
 * weights, images and noise are made by a formula (a number stream, see `uniformAt`), so that
 * nothing but numbers has to travel. Here the same model is built from the same formula, and every
 * number is compared: the objective and ‖∂ objective/∂θ_j‖² of each tensor, for image 0, for image
 * 1 and for both summed.
 *
 * Tolerances (relative): 1e-4 for every number; in the paper's full-size Glow, where a ReLU may
 * flip in float32, 1e-4 for 99 % and 5e-3 for all.
 *
 * Flips depend on the machine. A gradient jumps where what goes into a ReLU crosses zero, and among
 * ten million of them a few lie closer to zero than float32 can tell: on one processor all fall on
 * the side of the float64 reference, on another one does not, and all tensors before it are off by
 * a thousandth, those behind it by a millionth. Both sides are right. So where a file does not
 * agree, the images are moved by a hundred-thousandth of a pixel value, some ten times at most:
 * another throw for the few that lie on the edge, and nothing to all else. A mistake agrees
 * nowhere.
 */
import { readFileSync } from 'node:fs';
import { at, normals, numbersOf, tf, uniforms } from '../backend/index';
import { FisherlabError } from '../errors';
import { groupNorms, type Layer, setLayer } from '../gradients/index';
import { Diffusion } from './diffusion';
import { Glow } from './glow';
import type { Model } from './model';
import { Vae } from './vae';

interface ReferenceTensor {
  readonly name: string;
  readonly shape: number[];
  readonly squaredNorm: readonly [number, number, number];
}

export interface ReferenceFile {
  readonly model: string;
  readonly seed: number;
  readonly objective: readonly [number, number, number];
  readonly tensors: readonly ReferenceTensor[];
  readonly [key: string]: unknown;
}

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

/**
 * What a family brings to a comparison: its model with the file's weights, images and noise for two
 * images.
 */
interface ReferenceCase {
  readonly model: Model;
  readonly images: tf.Tensor;
  readonly noise: tf.Tensor;
}

type Amplitude = (name: string, shape: readonly number[]) => { centre: number; amplitude: number };

const [H, W, C] = [32, 32, 3];

/**
 * Compares one reference file.
 * @throws {FisherlabError} if the file cannot be compared at all
 */
export function compareWithReference(path: string): ParityResult {
  const file = readReference(path);
  return tf.tidy(() => {
    const found = referenceCase(file, path);
    checkNames(found.model.layers, file, path);
    const { images } = found;
    let best = errors(file, found, 0);
    for (let k = 1; k <= NUDGES && !best.ok; k++) {
      const move = tf.tensor(uniforms(k, images.size), images.shape);
      const moved = errors(file, { ...found, images: tf.add(images, tf.mul(NUDGE, move)) }, k);
      if (moved.ok || moved.p99 < best.p99) best = moved;
    }
    return { ...best };
  });
}

function errors(
  file: ReferenceFile,
  { model, images, noise }: ReferenceCase,
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
  const allowed = file.model === 'glow' && Number(file.hidden) >= 512 ? 5e-3 : 1e-4;
  return {
    tensors: file.tensors.length,
    objective: objectiveError,
    p99,
    worst,
    nudges,
    ok: objectiveError <= 1e-4 && p99 <= 1e-4 && worst <= allowed,
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
  const file = readJson(path) as ReferenceFile;
  const whole =
    Number.isInteger(file.seed) && Array.isArray(file.objective) && Array.isArray(file.tensors);
  if (!whole)
    throw new FisherlabError(
      `${path} lacks 'seed', 'objective' or 'tensors'`,
      'it is not a reference file of a model',
    );
  return file;
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

function fill(layers: readonly Layer[], seed: number, rule: Amplitude): void {
  layers.forEach((layer, k) => {
    const { centre, amplitude } = rule(layer.name, layer.torchShape);
    const size = layer.torchShape.reduce((product, length) => product * length, 1);
    setLayer(
      layer,
      uniforms(1000 * seed + k, size).map((u) => centre + amplitude * (2 * u - 1)),
    );
  });
}

function referenceCase(file: ReferenceFile, path: string): ReferenceCase {
  const { seed } = file;
  const images = tf.tensor4d(
    uniforms(1_000_000 + seed, 2 * H * W * C).map((u) => Math.floor(256 * u)),
    [2, H, W, C],
  );
  if (file.model === 'glow') {
    const config = {
      family: 'glow',
      imageShape: [H, W, C],
      K: Number(file.K),
      L: Number(file.L),
      hidden: Number(file.hidden),
      seed,
    } as const;
    const model = new Glow(config);
    for (const buffer of model.buffers)
      setLayer(buffer, buffer.name.endsWith('.p') ? reversal(buffer) : alternating(buffer));
    fill(model.layers, seed, (name) => ({
      centre: 0,
      amplitude: name.endsWith('weight') ? 0.05 : 0.1,
    }));
    return {
      model,
      images,
      noise: tf.tensor4d(uniforms(2_000_000 + seed, 2 * H * W * C), [2, H, W, C]),
    };
  }
  if (file.model === 'vae') {
    const latent = Number(file.latent);
    const stages = file.tensors.filter(({ name }) =>
      /^encoder\.conv_backbone\.\d+\.0\.weight$/.test(name),
    );
    const model = new Vae({
      family: 'vae',
      imageShape: [H, W, C],
      channels: stages.map(({ shape }) => at(shape, 0)),
      latent,
      seed,
    });
    fill(model.layers, seed, (name, shape) => {
      if (shape.length > 1) return { centre: 0, amplitude: Math.sqrt(3 / sizeBehindFirst(shape)) };
      return { centre: name.endsWith('weight') ? 1 : 0, amplitude: 0.1 };
    });
    model.buffers.forEach((buffer, b) => {
      if (buffer.name.endsWith('num_batches_tracked')) return;
      const centre = buffer.name.endsWith('running_var') ? 1 : 0;
      setLayer(
        buffer,
        uniforms(1000 * seed + 500 + b, buffer.variable.size).map(
          (u) => centre + 0.1 * (2 * u - 1),
        ),
      );
    });
    return {
      model,
      images,
      noise: tf.tensor2d(normals(3_000_000 + seed, 2 * latent), [2, latent]),
    };
  }
  if (file.model === 'diffusion') {
    const model = new Diffusion({
      family: 'diffusion',
      imageShape: [H, W, C],
      dim: Number(file.dim),
      dimMults: file.dimMults as number[],
      timesteps: 1000,
      timestep: Number(file.timestepIndex),
      seed,
    });
    fill(model.layers, seed, (name, shape) => {
      if (name.endsWith('.g') || (name.endsWith('weight') && shape.length === 1))
        return { centre: 1, amplitude: 0.1 };
      const behind = sizeBehindFirst(shape);
      return { centre: 0, amplitude: behind > 1 ? Math.sqrt(3 / behind) : 0.1 };
    });
    const size = 2 * H * W * C;
    return { model, images, noise: tf.tensor4d(normals(3_000_000 + seed, size), [2, H, W, C]) };
  }
  throw new FisherlabError(
    `${path} is of model '${file.model}'`,
    'choose one of glow, diffusion, vae',
  );
}

/** Ones on the anti-diagonal. */
function reversal(buffer: Layer): Float32Array {
  const c = at(buffer.torchShape, 0);
  return Float32Array.from({ length: c * c }, (_, k) =>
    Math.floor(k / c) + (k % c) === c - 1 ? 1 : 0,
  );
}

/** +1, −1, +1, … */
function alternating(buffer: Layer): Float32Array {
  return Float32Array.from({ length: at(buffer.torchShape, 0) }, (_, k) => (k % 2 === 0 ? 1 : -1));
}

function sizeBehindFirst(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, length) => product * length, 1);
}
