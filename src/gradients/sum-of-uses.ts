/**
 * # A layer that is used several times
 *
 * Its gradient is the sum over its uses. Where each use is a sum of outer products in the order of
 * the layer's tensor, so is their sum: its positions are those of all uses together.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { at, lengthOf, tf } from '../backend/index';
import { directFactors } from './direct-factors';
import type { Factors } from './factors';
import { OuterProducts } from './outer-products';

/** The factors of all uses as one; at least one use. They must live as long as what is returned. */
export function sumOfUses(uses: readonly Factors[]): Factors {
  const first = at(uses, 0);
  if (uses.length === 1) return first;
  const plain = uses.filter(isPlain);
  const inputs = plain[0]?.spec.inputs;
  if (plain.length < uses.length || plain.some(({ spec }) => spec.inputs !== inputs)) {
    return directFactors(first.operation, first.images, () =>
      tf.addN(uses.map((use) => use.instantiate(1))),
    );
  }
  const parts = plain.map((use) => use.grouped(1));
  const join = (pick: (part: (typeof parts)[number]) => Tensor) => tf.concat(parts.map(pick), 1);
  const x = join((part) => part.x); // [N, ΣT, I]
  const dy = join((part) => part.dy); // [N, ΣT, O]
  return new OuterProducts({
    operation: first.operation,
    images: first.images,
    positions: lengthOf(x, 1),
    inputs: lengthOf(x, 2),
    outputs: lengthOf(dy, 2),
    build: () => ({ x, dy }),
  });
}

function isPlain(use: Factors): use is OuterProducts {
  return use instanceof OuterProducts && use.spec.order === undefined;
}
