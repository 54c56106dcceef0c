/**
 * # Damage to files, drawn from a seed
 *
 * Damage that happens to files: a few bits flip, the end is missing, a block was never written, a
 * block appears twice, a length is far too large. Each call does one of these. The seed decides
 * which and where, so any finding can be reproduced from its number.
 */
import { lab } from './lab';

/** The longest block that is lost or doubled, in bytes. */
const STRETCH = 512;

/**
 * A damaged copy of `file`. It can only equal `file` if the overwritten bytes happened to be the
 * same.
 */
export function damaged(file: Buffer, seed: number): Buffer {
  const { random } = lab();
  const upTo = (n: number, k: number) => Math.floor(n * random.uniformAt(seed, k));
  const at = upTo(file.length, 0);
  const length = 1 + upTo(Math.min(STRETCH, file.length - at), 1);
  const copy = Buffer.from(file);
  switch (upTo(5, 2)) {
    case 0: {
      const flips = 1 + upTo(8, 3);
      for (let k = 0; k < flips; k++) {
        const place = upTo(file.length, 4 + 2 * k);
        copy.writeUInt8(copy.readUInt8(place) ^ (1 << upTo(8, 5 + 2 * k)), place);
      }
      return copy;
    }
    case 1:
      return copy.subarray(0, at);
    case 2:
      return copy.fill(0, at, at + length);
    case 3:
      return Buffer.concat([copy.subarray(0, at + length), copy.subarray(at)]);
    default: // formats keep lengths near the beginning or near the end
      return copy.fill(0xff, ...fourBytes(file.length, upTo(2, 6) === 0, upTo(64, 7)));
  }
}

function fourBytes(length: number, fromEnd: boolean, distance: number): [number, number] {
  const start = fromEnd ? Math.max(0, length - 4 - distance) : Math.min(distance, length);
  return [start, Math.min(length, start + 4)];
}
