/**
 * # Made once for each size of group
 *
 * Norms of several batch sizes B, and several tensors of one operation, want the same sums over the
 * same groups of B images. Each is made when it is first asked for, and kept until `dispose`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../backend/index';

export class ByGroup {
  private readonly made = new Map<number, Tensor>();

  constructor(private readonly make: (B: number) => Tensor) {}

  of(B: number): Tensor {
    const known = this.made.get(B);
    if (known !== undefined) return known;
    const tensor = tf.keep(tf.tidy(() => this.make(B).clone()));
    this.made.set(B, tensor);
    return tensor;
  }

  dispose(): void {
    tf.dispose([...this.made.values()]);
    this.made.clear();
  }
}
