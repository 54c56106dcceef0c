/**
 * # Upsampling
 *
 * Every pixel is repeated 2x2 times (nearest neighbour). What flows back to it is the sum over its
 * four copies.
 */
import { shape4, tensor4, tf } from '../../backend/index';
import type { Tape, Value } from '../tape';

/** [N, H, W, C] to [N, 2H, 2W, C]. */
export function upsample(tape: Tape, x: Value): Value {
  const [n, h, w, c] = shape4(x, 'upsampling');
  const y = tf.tidy(() => {
    const rows = tf.reshape(x.tensor, [n * h, w, 1, c]); // [N·H, W, 1, C]
    const wide = tf.reshape(tf.concat([rows, rows], 2), [n * h, 1, 2 * w * c]); // [N·H, 1, 2W·C]
    return tf.reshape(tf.concat([wide, wide], 1), [n, 2 * h, 2 * w, c]); // [N, 2H, 2W, C]
  });
  return tape.apply({
    inputs: [x],
    output: y,
    back: (dy) => [tf.mul(tf.avgPool(tensor4(dy, 'upsampling'), 2, 2, 'valid'), 4)],
  });
}
