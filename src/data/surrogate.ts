/**
 * # Images with the spectrum and the histogram of others
 *
 * An image has an amplitude spectrum (how much there is of each spatial frequency), a histogram,
 * and phases (where things are). A *surrogate* has the phases of one image and the spectrum and
 * histogram of another image b, so statistics such as sharpness, contrast or number of levels
 * cannot tell it from b. It is made for each channel by the iterative amplitude-adjusted Fourier
 * transform (Schreiber & Schmitz, *Improved surrogate data for nonlinearity tests*, Phys. Rev.
 * Lett. 77, 1996). With X = F(x) and B = F(b) the Fourier transforms,
 *
 *     x ← F⁻¹( |B| X/|X| ),    then the k-th smallest value of x ← the k-th smallest of b,
 *
 * is repeated. It ends with the second step, so the histogram is exact and the spectrum close.
 *
 * - `surrogates` takes the phases of other images: strange content with familiar statistics.
 * - `scrambledPhases` adds the phases of white noise, the same in all channels, to the images' own:
 *   familiar texture without content.
 *
 * The transforms are products with the matrix F = C − iS of cosines and sines, which is fast enough
 * for 32 pixels and works on every backend.
 */
import { deriveSeed, normals, tf } from '../backend/index';
import { FisherlabError } from '../errors';
import type { Images } from './dataset';

/**
 * The number of iterations. The spectrum is then within a tenth, and more iterations improve it
 * little.
 */
const ITERATIONS = 10;

/** Values closer than this are ties, ordered by their positions. */
const FINENESS = 1 / 4096;

/** How many images are transformed at a time. */
const BLOCK = 100;

/**
 * Images with the phases of `phases` and the spectra and histograms of `like`, image by image.
 * @throws {FisherlabError} if the two do not have the same number of images and the same square
 *   shape
 */
export function surrogates(phases: Images, like: Images): Images {
  if (phases.count !== like.count || phases.shape.join() !== like.shape.join())
    throw new FisherlabError(
      `${phases.count} images of ${phases.shape.join('x')} cannot take the spectra of ${like.count} of ${like.shape.join('x')}`,
      'give equally many images of the same square shape',
    );
  return inBlocks(like, `${phases.name}, matched`, (from, to) =>
    planes(phases.images, phases.shape, from, to),
  );
}

/**
 * Images with the spectra and histograms of `set` and the phases of noise.
 * @throws {FisherlabError} if images are not square
 */
export function scrambledPhases(set: Images, seed: number): Images {
  const [side, , channels] = set.shape;
  return inBlocks(set, 'phases scrambled', (from, to) => {
    const noise = tf.stack(
      Array.from({ length: to - from }, (_, k) => {
        const white = normals(deriveSeed(seed, from + k), side * side);
        return tf.tile(tf.tensor(white, [1, side, side]), [channels, 1, 1]); // [C, H, W]
      }),
    ) as tf.Tensor4D; // [n, C, H, W]
    const [noiseReal, noiseImaginary] = unit(transform(noise));
    const [real, imaginary] = transform(planes(set.images, set.shape, from, to));
    // The phase of a product is the sum of the phases.
    return inverse(
      tf.sub(tf.mul(real, noiseReal), tf.mul(imaginary, noiseImaginary)),
      tf.add(tf.mul(real, noiseImaginary), tf.mul(imaginary, noiseReal)),
    );
  });
}

type Complex = readonly [real: tf.Tensor, imaginary: tf.Tensor];

/**
 * Adjusts the images `start` returns, [n, C, H, W], for `from` to `to`, to the images of `like`.
 */
function inBlocks(
  like: Images,
  name: string,
  start: (from: number, to: number) => tf.Tensor,
): Images {
  const [side, width, channels] = like.shape;
  if (side !== width)
    throw new FisherlabError(
      `images of ${side}x${width} pixels have no surrogates`,
      'give square images',
    );
  const images = new Uint8Array(like.images.length); // [N, H, W, C]
  const size = side * side * channels;
  for (let from = 0; from < like.count; from += BLOCK) {
    const to = Math.min(like.count, from + BLOCK);
    const found = tf.tidy(() => {
      const target = planes(like.images, like.shape, from, to); // [n, C, H, W]
      const sorted = sortedPlanes(target.dataSync(), side * side);
      const [real, imaginary] = transform(target);
      const amplitude = tf.sqrt(tf.add(tf.square(real), tf.square(imaginary)));
      let x = start(from, to);
      for (let k = 0; k < ITERATIONS; k++) {
        x = tf.tidy(() => {
          const [unitReal, unitImaginary] = unit(transform(x));
          const shaped = inverse(tf.mul(amplitude, unitReal), tf.mul(amplitude, unitImaginary));
          const values = withValues(shaped.dataSync(), sorted, side * side);
          return tf.tensor(values, target.shape); // [n, C, H, W]
        });
      }
      return tf.transpose(x, [0, 2, 3, 1]).dataSync(); // [n, H, W, C]
    });
    images.set(found, from * size);
  }
  return { name, shape: like.shape, count: like.count, images };
}

/** Images `from` to `to` as planes of channels. */
function planes(images: Uint8Array, shape: Images['shape'], from: number, to: number): tf.Tensor {
  const size = shape[0] * shape[1] * shape[2];
  const values = Float32Array.from(images.subarray(from * size, to * size));
  return tf.transpose(tf.tensor4d(values, [to - from, ...shape]), [0, 3, 1, 2]); // [n, C, H, W]
}

/** C and S [side, side] of the transform's matrix F = C − iS. */
function matrices(side: number): readonly [tf.Tensor, tf.Tensor] {
  const angle = (k: number) => (2 * Math.PI * ((Math.floor(k / side) * (k % side)) % side)) / side;
  const of = (value: (angle: number) => number) =>
    tf.tensor2d(
      Float32Array.from({ length: side * side }, (_, k) => value(angle(k))),
      [side, side],
    );
  return [of(Math.cos), of(Math.sin)];
}

/** A·m of every plane, with the same [side, side] on the left. */
const left = (m: tf.Tensor, x: tf.Tensor) => tf.transpose(right(tf.transpose(x, SWAP), m), SWAP);
/** Every plane times the same [side, side]; C and S are symmetric. */
const right = (x: tf.Tensor, m: tf.Tensor) => {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const rows = tf.reshape(x, [n * c * h, w]); // [n·C·H, W]
  return tf.reshape(tf.matMul(rows, m as tf.Tensor2D), [n, c, h, w]); // [n, C, H, W]
};
const SWAP = [0, 1, 3, 2];

/** The transform F x F of real planes. */
function transform(x: tf.Tensor): Complex {
  const [c, s] = matrices(x.shape[2] as number);
  const [cosines, sines] = [left(c, x), left(s, x)];
  return [
    tf.sub(right(cosines, c), right(sines, s)),
    tf.neg(tf.add(right(cosines, s), right(sines, c))),
  ];
}

/** The real part of the inverse transform. */
function inverse(real: tf.Tensor, imaginary: tf.Tensor): tf.Tensor {
  const side = real.shape[2] as number;
  const [c, s] = matrices(side);
  const first = tf.sub(left(c, real), left(s, imaginary));
  const second = tf.add(left(c, imaginary), left(s, real));
  return tf.div(tf.sub(right(first, c), right(second, s)), side * side);
}

/** Complex numbers with the same phases and length 1; 0 stays near 0. */
function unit([real, imaginary]: Complex): Complex {
  const length = tf.add(tf.sqrt(tf.add(tf.square(real), tf.square(imaginary))), 1e-6);
  return [tf.div(real, length), tf.div(imaginary, length)];
}

/** The values of each plane, in ascending order. */
function sortedPlanes(values: ArrayLike<number>, size: number): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, p) =>
    Float32Array.from({ length: size }, (_, i) => values[p * size + i] as number).sort(),
  );
}

/**
 * Planes in which the k-th smallest value is the k-th of `sorted`; ties are ordered by position.
 */
function withValues(
  values: ArrayLike<number>,
  sorted: readonly Float32Array[],
  size: number,
): Float32Array {
  const out = new Float32Array(values.length);
  sorted.forEach((plane, p) => {
    // Value and position in one number: sorting plain numbers is ten times faster than with a
    // comparison function.
    const keys = Float64Array.from(
      { length: size },
      (_, i) => Math.round((values[p * size + i] as number) / FINENESS) * size + i,
    ).sort();
    keys.forEach((key, k) => {
      const place = ((key % size) + size) % size; // of values below 0 too
      out[p * size + place] = plane[k] as number;
    });
  });
  return out;
}
