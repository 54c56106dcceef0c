/**
 * # SVHN, cropped digits
 *
 * A MATLAB file with `X`, uint8 [32, 32, 3, N] (row, column, channel, image; rows run fastest), and
 * `y` [N, 1], where the digit 0 is called 10.
 *
 * Reference: Netzer et al. 2011, http://ufldl.stanford.edu/housenumbers
 */
import { readFile } from 'node:fs/promises';
import { parseMat5 } from './mat5';
import { type Converter, nth } from './portion';

const SIDE = 32;
const PIXELS = SIDE * SIDE * 3;
/** The training set's 73,257 images have 225,045,504 bytes. */
const MOST = 256 << 20;

export const svhn: Converter = async function* (files) {
  const variables = parseMat5(await readFile(nth(files, 0)), MOST);
  const X = variables.get('X');
  const y = variables.get('y');
  if (X === undefined || y === undefined)
    throw new Error(`it has no X and y, but ${[...variables.keys()].join(', ') || 'nothing'}`);
  const [height, width, channels, count = 1] = X.dimensions; // MATLAB drops a last dimension of one
  if (height !== SIDE || width !== SIDE || channels !== 3)
    throw new Error(`its X is [${X.dimensions.join(', ')}], not [32, 32, 3, N]`);
  const odd = y.data.find((digit) => digit < 1 || digit > 10);
  if (odd !== undefined) throw new Error(`its y has ${odd}, which is not from 1 to 10`);
  if (y.data.length !== count)
    throw new Error(`it has ${y.data.length} labels for ${count} images`);

  const images = new Uint8Array(X.data.length); // [N, 32, 32, 3]
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < 3; c++) {
      for (let column = 0; column < SIDE; column++) {
        const from = n * PIXELS + (c * SIDE + column) * SIDE;
        for (let row = 0; row < SIDE; row++)
          images[n * PIXELS + (row * SIDE + column) * 3 + c] = X.data[from + row] as number;
      }
    }
  }
  yield { images, labels: y.data.map((digit) => digit % 10) };
};
