/**
 * # Figures of what a model has learnt
 *
 * The training curve; samples; images next to their reconstructions by an autoencoder; and the
 * latents of a flow, level by level. Fine detail leaves the flow first, coarse structure last. Each
 * latent map [h, w, c] is shown as its c channels tiled in a square. Each level is standardised
 * over all images shown: grey is 0, white and black are ±3 deviations. If the model were perfect
 * and its Gaussians fixed, this would look like standard normal noise. Anything that can still be
 * recognised in it has not been explained by that level.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import { dataset, pixels } from '../data/index';
import {
  BITS_PER_DIM,
  type CheckpointHeader,
  can,
  type LoadedModel,
  type Model,
  titleOf,
  type WithLatents,
  type WithReconstructions,
} from '../models/index';
import { type Figure, type FigureOptions, imageGrid, lines } from '../plots/index';

/** Side of the square of a level's channels, in pixels. */
const TILE = 96;

/** The number of samples, the number of test images, and the seed of a model's figures. */
const SAMPLES = 30;
const IMAGES = 10;
const SEED = 1;

/**
 * The figures of a model by name: the training curve, samples, and what its family can show of test
 * images of its own set.
 * @throws {FisherlabError} if those test images are not on this machine
 */
export async function modelFigures(loaded: LoadedModel): Promise<[string, Figure][]> {
  return [
    ...trainingFigures(loaded.header),
    ['samples', samplesFigure(loaded.model, SAMPLES, SEED)],
    ...(await ofTestImages(loaded)),
  ];
}

async function ofTestImages({ model, header }: LoadedModel): Promise<[string, Figure][]> {
  if (!can(model, 'latents') && !can(model, 'reconstruct')) return [];
  const data = await dataset(header.data.name, 'test', { limit: IMAGES });
  const indices = Array.from({ length: data.count }, (_, k) => k);
  const [images, noise] = [pixels(data, indices), model.noise(indices, SEED)];
  try {
    return [
      ...(can(model, 'latents')
        ? [['latents', latentsFigure(model, images, noise)] as [string, Figure]]
        : []),
      ...(can(model, 'reconstruct')
        ? [['reconstructions', reconstructionsFigure(model, images, noise)] as [string, Figure]]
        : []),
    ];
  } finally {
    tf.dispose([images, noise]);
  }
}

/** `n` samples of the model, by a fast sampler if it has one (DDIM for a diffusion model). */
export function samplesFigure(
  model: Model,
  n: number,
  seed: number,
  options: FigureOptions = {},
): Figure {
  const images = model.quickSample?.(n, seed) ?? model.sample(n, seed);
  const pixels = images.dataSync();
  images.dispose();
  return imageGrid(pixels, [n, ...model.imageShape], {
    title: `Samples of the ${model.family} model`,
    ...options,
  });
}

/**
 * The training curves in a checkpoint's header, by name: the loss on training and held-out images
 * over the steps, and bits/dim if the loss has another unit. Empty if the header has no curve.
 */
export function trainingFigures({
  curve,
  unit,
}: Pick<CheckpointHeader, 'curve' | 'unit'>): [string, Figure][] {
  const x = 'optimiser step';
  const line = (name: string, key: 'training' | 'validation' | 'bitsPerDim') => {
    const measured = curve.filter((point) => point[key] !== undefined);
    return {
      name,
      x: measured.map(({ step }) => step),
      y: measured.map((point) => point[key] as number),
    };
  };
  const losses = [line('training images', 'training'), line('held-out images', 'validation')];
  const bits = line('held-out images', 'bitsPerDim');
  return [
    ...(curve.length === 0
      ? []
      : [['curve', lines(losses, { x, y: unit, title: 'Training' })] as [string, Figure]]),
    ...(unit === BITS_PER_DIM || bits.x.length === 0
      ? []
      : [
          ['bits-per-dim', lines([bits], { x, y: BITS_PER_DIM, title: 'Held-out images' })] as [
            string,
            Figure,
          ],
        ]),
  ];
}

/**
 * Images [N, H, W, C] above their reconstructions. `noise` [N, latent] is the noise of the latents;
 * zeros show the mean.
 */
export function reconstructionsFigure(
  autoencoder: Model & WithReconstructions,
  images: Tensor,
  noise: Tensor,
  options: FigureOptions = {},
): Figure {
  const n = images.shape[0] as number;
  const pixels = tf.tidy(() =>
    tf
      .concat([images, tf.clipByValue(tf.round(autoencoder.reconstruct(images, noise)), 0, 255)])
      .dataSync(),
  );
  return imageGrid(pixels, [2 * n, ...autoencoder.imageShape], {
    title: `Reconstructions of the ${titleOf(autoencoder)}`,
    rows: ['image', 'reconstruction'],
    columns: n,
    ...options,
  });
}

/** Images [N, H, W, C] above their latents, one row per level. `noise` [N, H, W, C] dequantises. */
export function latentsFigure(
  flow: Model & WithLatents,
  images: Tensor,
  noise: Tensor,
  options: FigureOptions = {},
): Figure {
  const n = images.shape[0] as number;
  const [height, width, channels] = flow.imageShape;
  const side = TILE;
  const top = asSquares(images.dataSync(), n, (image, row, column, channel) => {
    const [y, x] = [Math.floor((row * height) / side), Math.floor((column * width) / side)];
    return ((image * height + y) * width + x) * channels + (channels === 1 ? 0 : channel);
  });
  const latents = flow.latents(images, noise);
  const levels = latents.map((z) => tiles(z));
  tf.dispose(latents);
  const rows = [top, ...levels];
  const pixels = new Float32Array(rows.length * top.length);
  rows.forEach((row, k) => {
    pixels.set(row, k * top.length);
  });
  return imageGrid(pixels, [rows.length * n, side, side, 3], {
    title: `Latents of the ${titleOf(flow)}`,
    rows: ['image', ...levels.map((_, level) => `level ${level + 1}`)],
    columns: n,
    ...options,
  });
}

/**
 * The channels of each latent map [h, w, c], tiled in a square of pixel values; places without a
 * channel are white.
 */
function tiles(z: Tensor): Float32Array {
  const [n, h, w, c] = z.shape as [number, number, number, number];
  const values = z.dataSync() as Float32Array;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation =
    Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) || 1;
  const grey = values.map((v) =>
    Math.min(255, Math.max(0, 127.5 + (127.5 / 3) * ((v - mean) / deviation))),
  );
  const across = Math.ceil(Math.sqrt(c));
  return asSquares(grey, n, (image, row, column) => {
    const [y, x] = [
      Math.floor((row * across * h) / TILE),
      Math.floor((column * across * w) / TILE),
    ];
    const channel = Math.floor(y / h) * across + Math.floor(x / w);
    return channel < c ? ((image * h + (y % h)) * w + (x % w)) * c + channel : -1;
  });
}

/**
 * Squares [n, TILE, TILE, 3] whose pixels are those at `source` in `values`; white where `source`
 * is −1.
 */
function asSquares(
  values: ArrayLike<number>,
  n: number,
  source: (image: number, row: number, column: number, channel: number) => number,
): Float32Array {
  const out = new Float32Array(n * TILE * TILE * 3);
  for (let k = 0; k < out.length; k++) {
    const [channel, pixel] = [k % 3, Math.floor(k / 3)];
    const [column, row] = [pixel % TILE, Math.floor(pixel / TILE) % TILE];
    const from = source(Math.floor(pixel / TILE ** 2), row, column, channel);
    out[k] = from < 0 ? 255 : (values[from] as number);
  }
  return out;
}
