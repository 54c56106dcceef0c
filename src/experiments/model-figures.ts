/**
 * # What a model has learnt, to look at
 *
 * The curve of its training; samples; the images beside what a VAE's decoder makes of their
 * latents; and the latents of a Glow, level by level: fine detail leaves the flow first, coarse
 * structure last. Each latent map [h, w, c] is shown as its c channels tiled in a square, each
 * level standardised over all images shown, grey at 0, white and black at ±3 deviations: standard
 * normal noise, were the model perfect and its Gaussians fixed; what can still be recognised in it,
 * the level has not explained.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';
import { dataset, pixels } from '../data/index';
import type { CheckpointHeader, LoadedModel } from '../models/index';
import { BITS_PER_DIM, Diffusion, Glow, type Model, Vae } from '../models/index';
import { type Figure, type FigureOptions, imageGrid, lines } from '../plots/index';

/** Side of the square that a level's channels are tiled in, in pixels. */
const TILE = 96;

/** Samples, test images and the seed of a model's figures. */
const SAMPLES = 30;
const IMAGES = 10;
const SEED = 1;

/**
 * The figures of a model by name: the curve of its training, samples, and of test images of its own
 * set what its family can show.
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
  if (!(model instanceof Glow || model instanceof Vae)) return [];
  const data = await dataset(header.data.name, 'test', { limit: IMAGES });
  const indices = Array.from({ length: data.count }, (_, k) => k);
  const [images, noise] = [pixels(data, indices), model.noise(indices, SEED)];
  try {
    if (model instanceof Glow) return [['latents', latentsFigure(model, images, noise)]];
    return [['reconstructions', reconstructionsFigure(model, images, noise)]];
  } finally {
    tf.dispose([images, noise]);
  }
}

/** `n` images that the model draws. A diffusion model takes the short way (DDIM). */
export function samplesFigure(
  model: Model,
  n: number,
  seed: number,
  options: FigureOptions = {},
): Figure {
  const images =
    model instanceof Diffusion ? model.sample(n, seed, { method: 'ddim' }) : model.sample(n, seed);
  const pixels = images.dataSync();
  images.dispose();
  return imageGrid(pixels, [n, ...model.imageShape], {
    title: `Samples of the ${model.family} model`,
    ...options,
  });
}

/**
 * What a checkpoint's header tells of its training, by name: the loss on training and held-out
 * images over the steps, and bits/dim where the loss is in another unit. Nothing where it has no
 * curve.
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
 * Images [N, H, W, C] above their reconstructions. `noise` [N, latent] is the latents'; zeros show
 * the mean.
 */
export function reconstructionsFigure(
  vae: Vae,
  images: Tensor,
  noise: Tensor,
  options: FigureOptions = {},
): Figure {
  const n = images.shape[0] as number;
  const pixels = tf.tidy(() =>
    tf
      .concat([images, tf.clipByValue(tf.round(vae.reconstruct(images, noise)), 0, 255)])
      .dataSync(),
  );
  return imageGrid(pixels, [2 * n, ...vae.imageShape], {
    title: 'Reconstructions of the VAE',
    rows: ['image', 'reconstruction'],
    columns: n,
    ...options,
  });
}

/** Images [N, H, W, C] above their latents, one row a level. `noise` [N, H, W, C] dequantises. */
export function latentsFigure(
  glow: Glow,
  images: Tensor,
  noise: Tensor,
  options: FigureOptions = {},
): Figure {
  const n = images.shape[0] as number;
  const [height, width, channels] = glow.imageShape;
  const side = TILE;
  const top = asSquares(images.dataSync(), n, (image, row, column, channel) => {
    const [y, x] = [Math.floor((row * height) / side), Math.floor((column * width) / side)];
    return ((image * height + y) * width + x) * channels + (channels === 1 ? 0 : channel);
  });
  const latents = glow.latents(images, noise);
  const levels = latents.map((z) => tiles(z));
  tf.dispose(latents);
  const rows = [top, ...levels];
  const pixels = new Float32Array(rows.length * top.length);
  rows.forEach((row, k) => {
    pixels.set(row, k * top.length);
  });
  return imageGrid(pixels, [rows.length * n, side, side, 3], {
    title: 'Latents of the Glow',
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
 * Squares [n, TILE, TILE, 3] whose pixels are those at `source` in `values`; white where that is
 * −1.
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
