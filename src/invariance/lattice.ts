/**
 * # Noise on a lattice, so that float32 can be undone
 *
 * T⁻¹(T(x)) = x, but not in float32: the way there and back moves values by 1e-7 and more. Almost
 * nothing depends on that, except where the model is not smooth: of a million ReLUs one or two lie
 * so near their kink that they flip, and the gradient of their layer jumps by a part in a thousand.
 * That says nothing about representations, and is gone once x comes back exactly.
 *
 * So the noise that makes 8-bit values k continuous is drawn from a fine lattice: channel c of a
 * pixel is
 *
 *     x = (k + u)/256,     u = (j + (c+1)/(C+1)) / 64,   j = 0 … 63,
 *
 * spaced by 2⁻¹⁴ = 6e-5, wider than twice the error of any map here (the worst is CIELAB in dark
 * channels, 1.3e-5), and rounding T⁻¹(y) to the nearest lattice point gives x back to the last bit.
 * The offset differs from channel to channel, so that a grey pixel never has the same noise in all
 * three: its chroma is never 0.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { lengthOf, noiseByIndex, tf } from '../backend/index';

/** Steps of the noise within one 8-bit level. */
const STEPS = 64;

/** Offsets of the channels in steps, [C]. */
function offsets(channels: number): Tensor {
  return tf.tensor1d(Array.from({ length: channels }, (_, c) => (c + 1) / (channels + 1)));
}

/**
 * Points of the unit cube from pixel values `[N, H, W, C]`: the uniform noise of each image's index
 * and `seed` (the same as Glow's), moved to the lattice. Pixel values that are not whole keep their
 * fraction.
 */
export function dequantised(images: Tensor, indices: readonly number[], seed: number): Tensor {
  const size = images.size / lengthOf(images);
  return tf.tidy(() => {
    const u = tf.tensor(noiseByIndex('uniform', seed, indices, size), images.shape); // [N, H, W, C]
    const onLattice = tf
      .floor(tf.mul(u, STEPS))
      .minimum(STEPS - 1)
      .add(offsets(lengthOf(images, 3)))
      .div(STEPS); // [N, H, W, C]
    return tf.div(tf.add(images, onLattice), 256);
  });
}

/** The nearest point of the lattice, `[N, H, W, C]`. */
export function toLattice(x: Tensor): Tensor {
  return tf.tidy(() => {
    const offset = offsets(lengthOf(x, 3));
    return tf
      .round(tf.mul(x, 256 * STEPS).sub(offset))
      .add(offset)
      .div(256 * STEPS);
  });
}
