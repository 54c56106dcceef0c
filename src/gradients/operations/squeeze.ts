/**
 * # Squeeze: 2x2 pixels into channels
 *
 * Half the height and width, four times the channels; nothing is lost, nothing is scaled (Dinh et
 * al. 2017, arXiv 1605.08803). The new channel index is `c·4 + dy·2 + dx`, as in PyTorch's
 * `pixel_unshuffle`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { shape4, tf } from '../../backend/index';

/** [N, H, W, C] to [N, H/2, W/2, 4C]. */
export function squeeze(x: Tensor): Tensor {
  const [n, h, w, c] = shape4(x, 'squeeze');
  const split = tf.reshape(x, [n, h / 2, 2, w / 2, 2, c]); // [N, H/2, 2, W/2, 2, C]
  const blocks = tf.transpose(split, [0, 1, 3, 5, 2, 4]); // [N, H/2, W/2, C, 2, 2]
  return tf.reshape(blocks, [n, h / 2, w / 2, 4 * c]); // [N, H/2, W/2, 4C]
}

/** Undoes {@link squeeze}. */
export function unsqueeze(y: Tensor): Tensor {
  const [n, h, w, c] = shape4(y, 'unsqueeze');
  const split = tf.reshape(y, [n, h, w, c / 4, 2, 2]); // [N, h, w, C/4, 2, 2]
  const blocks = tf.transpose(split, [0, 1, 4, 2, 5, 3]); // [N, h, 2, w, 2, C/4]
  return tf.reshape(blocks, [n, 2 * h, 2 * w, c / 4]); // [N, 2h, 2w, C/4]
}
