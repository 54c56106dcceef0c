/**
 * # What a pass costs
 *
 * Measures milliseconds per image for features (squared norms of every tensor, batches of B
 * images), for the gradients of a training step, and for the gradients that the Fisher information
 * is estimated from (50 weights of each of three tensors). It also measures the peak memory of the
 * process, and compares the rate of arithmetic with that of a matrix product on the same machine.
 * Two kinds are whole computations of `src/fisher`, including sampling: `estimate` (trace, diagonal
 * and a window of 50 weights of every tensor) and `spectra` (of every tensor's block).
 *
 * Operations are counted as for a plain training pass, which takes as many multiply-adds as three
 * forward passes: `2·3·MAC` operations per image, where MAC counts the multiply-adds of the
 * convolutions and matrix products of a forward pass. The rate to compare with is the best rate of
 * a matrix product before and after. The time is the best of the repeats.
 */
import os from 'node:os';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import type { experiments, gradients, models, tf } from '../index';
import { lab } from './lab';

/** What can be measured. */
export const KINDS = ['features', 'training', 'fim', 'estimate', 'spectra'] as const;
export type Kind = (typeof KINDS)[number];

export interface Cost {
  readonly kind: Kind;
  readonly model: string;
  /** Images per batch of a feature. */
  readonly B: number;
  readonly images: number;
  /** Images per pass. */
  readonly batch: number;
  readonly tensors: number;
  readonly ms_per_image: number;
  /**
   * Processor time per image, summed over all cores. It stays comparable on a machine that others
   * use too.
   */
  readonly cpu_ms_per_image: number;
  readonly gflops: number;
  /** The rate of a matrix product, measured in the same run. */
  readonly matrix_gflops: number;
  readonly share: number;
  /** Largest resident memory of the process so far. */
  readonly peak_mb: number;
  readonly backend: string;
}

/** The shape of the images, which are in colour. */
export const IMAGE: models.ImageShape = [32, 32, 3];
export const SEED = 1;
/** How many samples of the model `estimate` and `spectra` use. */
const ESTIMATE = 1024;
const SPECTRA = 256;
/** Images of a training step, as in `fisherlab train`. */
const TRAINING_BATCH = 64;

/** How a cost is measured. */
export interface Measurement {
  readonly kind: Kind;
  /** The name of the model in tables. */
  readonly name: string;
  readonly config: models.ModelConfig;
  readonly B: number;
  /** Images per pass; by default chosen for the model. */
  readonly batch?: number | undefined;
  /** The total number of images; by default one pass. */
  readonly images?: number | undefined;
  readonly repeats: number;
}

/** Measures one model at one batch size. */
export async function measureCost({
  kind,
  name,
  config,
  B,
  repeats,
  ...given
}: Measurement): Promise<Cost> {
  const { models, startBackend } = lab();
  const { name: backend } = await startBackend();
  const model = models.createModel(config);
  const { batch, pass } = passOf(kind, model, B, given.batch ?? null);
  const images = given.images ?? batch;
  const atOnce = Math.min(batch, images);
  const multiplyAdds = await forwardMultiplyAdds(model);
  const rateBefore = matrixRate();
  await passOver(model, Math.min(2 * atOnce, images), atOnce, pass); // warm
  let [wall, cpu] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let k = 0; k < repeats; k++) {
    const took = await passOver(model, images, atOnce, pass);
    wall = Math.min(wall, took.wall);
    cpu = Math.min(cpu, took.cpu);
  }
  const rate = Math.max(rateBefore, matrixRate());
  const gflops = (6 * multiplyAdds * images) / wall / 1e6;
  return {
    kind,
    model: name,
    B,
    images,
    batch: atOnce,
    tensors: model.layers.length,
    ms_per_image: rounded(wall / images),
    cpu_ms_per_image: rounded(cpu / images),
    gflops: rounded(gflops),
    matrix_gflops: rounded(rate),
    share: rounded(gflops / rate),
    peak_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    backend,
  };
}

/** The indices of the first 50 weights of a layer. */
function first50({ variable }: gradients.Layer): number[] {
  return Array.from({ length: Math.min(50, variable.size) }, (_, k) => k);
}

type Pass = (images: Tensor, noise: Tensor, start: number) => unknown;

/** The pass to measure, and how many images it takes: `batch`, or the best number for the model. */
function passOf(
  kind: Kind,
  model: models.TapedModel,
  B: number,
  batch: number | null,
): { batch: number; pass: Pass } {
  const { fisher, gradients, random, training } = lab();
  switch (kind) {
    case 'features': {
      const sample = (count: number) => {
        const [images, noise] = inputs(model, 0, count);
        return { images, noise };
      };
      const passes =
        batch === null
          ? gradients.featurePasses(
              model,
              [gradients.squaredNorm],
              [B],
              Number.POSITIVE_INFINITY,
              sample,
            )
          : gradients.eagerly(model, [gradients.squaredNorm], [B], batch);
      return { batch: passes.atOnce, pass: (images, noise) => void passes.run(images, noise) };
    }
    case 'training': {
      const gradient = new training.StepGradient(model, Number.POSITIVE_INFINITY);
      const parameters = gradient.weights.read();
      return {
        batch: batch ?? TRAINING_BATCH,
        pass: (images, _, start) =>
          gradient.at(parameters, images, random.deriveSeed(SEED, start)).gradient.dispose(),
      };
    }
    case 'fim': {
      const learned = model.layers.filter((layer) => !layer.frozen);
      const three = [0.25, 0.5, 0.75].map((part) => learned[Math.floor(part * learned.length)]);
      const choice = new Map<string, number[]>();
      for (const layer of three) {
        if (layer !== undefined) choice.set(layer.name, first50(layer));
      }
      const pass: Pass = async (images, noise) => {
        const chosen = gradients.gradientsOf(choice);
        const draws = { count: images.shape[0] ?? 0, blocks: () => blocksOf(images, noise) };
        await gradients.passOver(model, draws, chosen, () => chosen.numbers('gradients'));
        chosen.dispose();
      };
      return { batch: batch ?? ESTIMATE, pass };
    }
    case 'estimate': {
      const windows = new Map(model.layers.map((layer) => [layer.name, first50(layer)]));
      const pass: Pass = ({ shape }) =>
        fisher.estimateFisher(model, fisher.samplesOf(model, SEED, shape[0]), { windows });
      return { batch: batch ?? ESTIMATE, pass };
    }
    case 'spectra':
      return {
        batch: batch ?? SPECTRA,
        pass: ({ shape }) =>
          fisher.spectra(model, fisher.samplesOf(model, SEED, shape[0]), { seed: SEED }),
      };
  }
}

/**
 * Passes `count` images through the model, `batch` at a time. Returns milliseconds, without the
 * time to make the images.
 */
async function passOver(
  model: models.TapedModel,
  count: number,
  batch: number,
  pass: Pass,
): Promise<{ wall: number; cpu: number }> {
  let [wall, cpu] = [0, 0];
  for (let start = 0; start < count; start += batch) {
    const n = Math.min(batch, count - start);
    const [images, noise] = inputs(model, start, n);
    const [before, used] = [performance.now(), process.cpuUsage()];
    await pass(images, noise, start);
    wall += performance.now() - before;
    const { user, system } = process.cpuUsage(used);
    cpu += (user + system) / 1000;
    lab().tf.dispose([images, noise]);
  }
  return { wall, cpu };
}

function inputs(model: models.TapedModel, start: number, n: number): [Tensor, Tensor] {
  const { random, tf } = lab();
  const [h, w, c] = model.imageShape;
  const pixels = random
    .uniforms(random.deriveSeed(SEED, start), n * h * w * c)
    .map((u) => Math.floor(256 * u));
  const indices = Array.from({ length: n }, (_, k) => start + k);
  return [tf.tensor4d(pixels, [n, h, w, c]), model.noise(indices, SEED)];
}

/** The images as blocks of draws. */
function* blocksOf(images: Tensor, noise: Tensor) {
  const { fisher, tf } = lab();
  const size = fisher.IMAGES_PER_BLOCK;
  for (let from = 0; from < (images.shape[0] ?? 0); from += size) {
    const block = (x: Tensor) => tf.slice(x, from, Math.min(size, (x.shape[0] ?? 0) - from));
    yield { images: block(images), noise: block(noise) };
  }
}

/**
 * Multiply-adds per image in the convolutions and matrix products of a forward pass: the difference
 * between a pass of two images and a pass of one.
 */
async function forwardMultiplyAdds(model: models.TapedModel): Promise<number> {
  const { tf } = lab();
  const counted: number[] = [];
  for (const n of [1, 2]) {
    const [images, noise] = inputs(model, 0, n);
    const { kernels } = await tf.profile(() => model.logLikelihood(images, noise).dispose());
    counted.push(kernels.reduce((total, kernel) => total + multiplyAdds(kernel), 0));
    tf.dispose([images, noise]);
  }
  return (counted[1] as number) - (counted[0] as number);
}

function multiplyAdds({
  name,
  inputShapes,
  outputShapes,
}: Awaited<ReturnType<typeof tf.profile>>['kernels'][number]): number {
  const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const [first, second] = inputShapes as number[][];
  const out = outputShapes[0] as number[] | undefined;
  if (first === undefined || second === undefined || out === undefined) return 0;
  // A filter is [kh, kw, I, O]. Each number of the longer side takes all entries but O, or all but
  // I on the way back.
  if (name === 'Conv2D' || name === lab().backend.CONVOLUTION_WITH_BIAS)
    return product(out) * product(second.slice(0, 3));
  if (name === 'Conv2DBackpropInput')
    return (product(first) * product(second)) / (second[3] as number);
  if (name === 'BatchMatMul')
    return (product(out) * product(first.slice(-2))) / (out[out.length - 2] as number);
  return 0;
}

/** The best rate of several matrix products, in billions of operations per second. */
function matrixRate(): number {
  const { tf } = lab();
  const size = tf.getBackend() === 'tensorflow' ? 1024 : 256;
  const a = tf.ones([size, size]) as Tensor2D;
  let best = Number.POSITIVE_INFINITY;
  for (let k = 0; k < 8; k++) {
    const start = performance.now();
    tf.tidy(() => tf.slice(tf.matMul(a, a), [0, 0], [1, 1]).dataSync());
    best = Math.min(best, performance.now() - start);
  }
  a.dispose();
  return (2 * size ** 3) / best / 1e6;
}

/** To four significant digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** The least, the middle and the largest of some values. */
export function spread(values: readonly number[]): experiments.Spread {
  const sorted = values.map(rounded).sort((a, b) => a - b);
  const at = (k: number) => sorted[k] as number;
  const [least, median, largest] = [at(0), at(sorted.length >> 1), at(sorted.length - 1)];
  return { least, median, largest, runs: sorted.length };
}

/** What times were measured on. */
export function machineHere(): { processor: string; cores: number; node: string } {
  return {
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    node: process.versions.node,
  };
}
