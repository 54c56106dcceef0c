/** The formats that hold pixels as they are: CIFAR binaries, IDX, MATLAB 5, NumPy archives. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { npyHeader } from '../../../src/data/npy';
import { bytes, obtain, ownFolder, servers, tarGz, zip } from '../help';

/**
 * Pixels [N, 32, 32, 3] and, in `planes`, the same as [N, 3, 32, 32], by the definition of the two
 * orders.
 */
function colour(count: number, seed: number) {
  const planes = bytes(count * 3072, seed);
  const images = new Uint8Array(planes.length);
  for (let n = 0; n < count; n++)
    for (let y = 0; y < 32; y++)
      for (let x = 0; x < 32; x++)
        for (let c = 0; c < 3; c++)
          images[((n * 32 + y) * 32 + x) * 3 + c] = planes[
            ((n * 3 + c) * 32 + y) * 32 + x
          ] as number;
  return { planes, images };
}

const records = (planes: Buffer, heads: number[][]) =>
  Buffer.concat(
    heads.flatMap((head, n) => [Buffer.from(head), planes.subarray(n * 3072, (n + 1) * 3072)]),
  );

function idxFile(shape: number[], data: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt8(8, 2);
  head.writeUInt8(shape.length, 3);
  for (const [i, n] of shape.entries()) head.writeUInt32BE(n, 4 + 4 * i);
  return gzipSync(Buffer.concat([head, data]));
}

/**
 * The middle 28x28 of padded images, and the sum of all of them: what lies outside the middle must
 * be nothing.
 */
function middle(images: Uint8Array): { inside: number[]; sum: number } {
  const inside = [...images].filter(
    (_, i) =>
      i % 32 >= 2 && i % 32 < 30 && Math.floor(i / 32) % 32 >= 2 && Math.floor(i / 32) % 32 < 30,
  );
  return { inside, sum: images.reduce((a, b) => a + b, 0) };
}

/**
 * Written by SciPy 1.x `savemat(…, do_compression=True)`: X[:, :, c, n] with pixel i of image n, in
 * C order, (7 (3072 n + i)) mod 251; y = 10 1 9.
 */
const SCIPY =
  'TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IE1vbiBOb3YgMjMgMTg6Mjk6NDQgMjAyNgAAAAAAAAAAAAAAAAAAAA' +
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAAhAQAAHic7ddnNNZhGAbw14xEmmhq0ZCGlEqLNLQooYEWLS2k0lQKqWjQQksL' +
  'LZI0RDIqozJaSmmTQiX1qbtT/4/PfX18v7w6/+NLzrnPfa7nOvdPRyaTWXSWydTptwZ9mrJ/P2r06dJn+P9T+f8p0T9n+q389z/R38lip2kkzNa9tlD/9g' +
  'rDe2u6PvLv/SzYonz38IqDY2qP2f1ucWtp22zfLgUbej7eZl62a8iHCJuv0RN+npqqet6l0RX35t2LtvQtDRn0dq/V58O2309MVoqbrpk4p8n1RQYZXh3u' +
  '+3Ub9unA6Jqjk36dcVK/6KZzdX7LtGXtclYZPdho+iSw/6vQoQ4q52ZqJc1rdtOzdaZPp7x1PYoDzF7sGPxun3VV5LgfMVNEc511bnBpVuOUBaK5Upe0yV' +
  'rZOX+9aK7CzX2ebx/4Zo9oro/7R1UfmVh/WjSXcvyMhpfnNr0hmksvfXn7u6uNH4rmMinZ2u/lTsv3orlGVB4a++24vUw0l6PaBVftZI8WorkWt7rj3TF3' +
  'bXfRXJt6PQ0a8DpsmGiu8JFfosbXnXQQzSXFRjSXFBvRXFJsRHNJsRHNJcVGNJcUG9FcUmxEc0mxEc0lxUY0lxQb0VxSbERzSbERzSXFRjSXFBvRXFJs+O' +
  '07qfPb92zNb9+/N7/9CBt++3HT+e2nLeO3XxzAb7/iIL991fP89g0y+O2bPuG3b13Fli89DrZ86XGw5UuPgy1fehxs+dLjYMuXYsOWL8WGLV+KDVu+FBu2' +
  'fCk2bPlSbNjypdiw5UuxYcuXYsOWL8WGLV+KDVu+FBu2fCk2bPlSbNjypdjw23fV5rfv3ZHfftAAfvtR4/ntJ8zmt5/ty2+/NITffs1RfvtaSfz2De/x2z' +
  'cv47dv+50tX3ocbPnS42DLlx4HW770ONjypcfBli/Fhi1fig1bvhQbtnwpNmz5UmzY8qXYsOVLsWHLl2LDli/Fhi1fig1bvhQbtnwpNmz5UmzY8qXYsOVL' +
  'sVHcX/K9vwC/zgJ+pQJ+FQJ+fQT8Ugb80gP8MgH8GgH45Qj4tRjwaxPgVzjgVyzg1y3AryLAr0+AXyqAX/qAXz0Bv6wU95d87y/Ar4uAX5mAX88Av74Cfm' +
  'kCfrUD/DID/BoD+OUC+OUF+BUI+BUJ+HUJ8CsL8Os54Fc14FdDwK/2gF/9AL/GKu4v+d5fgF/JgF+5gF+vAb/qAL90Ab+6AH4NAvyaBPg1D/BrDeDXLsCv' +
  'E4BfVwG/8gC/ygG/fgJ+NQH8MgL8Ggz4Zae4v+R7fwF+OQF+eQJ++QN+RQB+xQF+pQF+FQN+VQB+qQJ+GQB+mQJ+WQN+OQN+LQH82gz4tR/wKx7wKx3wqw' +
  'Twq1Jxf8n3/gL8cgX88gb8CgL8igL8SgD8ygb8KgX8qgH80gL8MgT8Mgf8sgX8cgP88gH8Cgb8igb8SgT8ygH8egH4Vau4v+R7fwF+uQN++QF+hQJ+xQB+' +
  'pQB+5QN+vQH8qgf8agr4ZQz4ZQn4ZQ/45QH4tRbwKwzw6yTg1zXArwLAr7eAX7/+AIgXlgIPAAAAKgAAAHic42NgYDAAYjYg5gBiTgYIYIXymYGYEYwZGS' +
  'qBNBNQhIuRkwEAGPUA+w==';

describe('formats that hold pixels as they are', () => {
  const folder = ownFolder();
  const serve = servers();

  it('CIFAR-10 comes out of its binary batches in order, planes turned into pixels', async () => {
    const train = colour(7, 1);
    const test = colour(2, 2);
    const archive = tarGz({
      'cifar-10-batches-bin/data_batch_2.bin': records(train.planes.subarray(2 * 3072), [[9], [3]]),
      'cifar-10-batches-bin/data_batch_5.bin': records(train.planes.subarray(6 * 3072), [[8]]),
      'cifar-10-batches-bin/data_batch_4.bin': records(train.planes.subarray(5 * 3072), [[7]]),
      'cifar-10-batches-bin/data_batch_3.bin': records(train.planes.subarray(4 * 3072), [[6]]),
      'cifar-10-batches-bin/readme.html': Buffer.from('hello'),
      'cifar-10-batches-bin/data_batch_1.bin': records(train.planes, [[5], [0]]),
      'cifar-10-batches-bin/test_batch.bin': records(test.planes, [[7], [1]]),
    });
    const [a, b] = await obtain(
      'cifar10',
      { train: { 'c.tar.gz': archive }, test: { 'c.tar.gz': archive } },
      serve,
      folder(),
    );
    assert.deepEqual([a?.count, b?.count], [7, 2]);
    assert.deepEqual(a?.images, train.images);
    assert.deepEqual(b?.images, test.images);
    assert.deepEqual([...(a?.labels ?? [])], [5, 0, 9, 3, 6, 7, 8]);
    assert.deepEqual([...(b?.labels ?? [])], [7, 1]);
  });

  it('CIFAR-100 keeps the fine label, the second byte of a record', async () => {
    const { planes, images } = colour(2, 3);
    const archive = tarGz({
      'cifar-100-binary/test.bin': records(planes, [
        [4, 99],
        [1, 20],
      ]),
    });
    const [set] = await obtain('cifar100', { test: { 'c.tar.gz': archive } }, serve, folder());
    assert.deepEqual([...(set?.labels ?? [])], [99, 20]);
    assert.deepEqual(set?.images, images);
  });

  it('MNIST comes out of gzipped IDX files, in the middle of a black border', async () => {
    const data = bytes(3 * 784, 4);
    const archives = {
      't10k-images-idx3-ubyte.gz': idxFile([3, 28, 28], data),
      't10k-labels-idx1-ubyte.gz': idxFile([3], Uint8Array.of(7, 2, 1)),
    };
    const [set] = await obtain('mnist', { test: archives }, serve, folder());
    assert.deepEqual(set?.shape, [32, 32, 1]);
    const { inside, sum } = middle(set?.images ?? new Uint8Array());
    assert.deepEqual(inside, [...data]);
    assert.equal(
      sum,
      data.reduce((a, b) => a + b, 0),
    );
    assert.deepEqual([...(set?.labels ?? [])], [7, 2, 1]);
  });

  it('EMNIST letters are turned upright and counted from zero', async () => {
    const upright = bytes(2 * 784, 5);
    const lying = Buffer.from(
      upright.map(
        (_, i) => upright[i - (i % 784) + (i % 28) * 28 + Math.floor((i % 784) / 28)] as number,
      ),
    );
    const archive = zip({
      'gzip/emnist-letters-test-images-idx3-ubyte.gz': idxFile([2, 28, 28], lying),
      'gzip/emnist-letters-test-labels-idx1-ubyte.gz': idxFile([2], Uint8Array.of(1, 26)),
      'gzip/emnist-digits-test-images-idx3-ubyte.gz': idxFile([1, 28, 28], bytes(784)),
    });
    const [set] = await obtain(
      'emnist_letters',
      { test: { 'gzip.zip': archive } },
      serve,
      folder(),
    );
    assert.deepEqual(middle(set?.images ?? new Uint8Array()).inside, [...upright]);
    assert.deepEqual([...(set?.labels ?? [])], [0, 25]);
  });

  it('SVHN is read from a MATLAB file that SciPy wrote, its digit 10 called 0', async () => {
    const [set] = await obtain(
      'svhn',
      { test: { 'test_32x32.mat': Buffer.from(SCIPY, 'base64') } },
      serve,
      folder(),
    );
    assert.equal(set?.count, 3);
    assert.deepEqual(
      [...(set?.images ?? [])],
      Array.from({ length: 3 * 3072 }, (_, i) => (7 * i) % 251),
    );
    assert.deepEqual([...(set?.labels ?? [])], [0, 1, 9]);
  });

  it('ImageNet32 is read from NumPy archives within a zip, in the order of their numbers', async () => {
    const all = colour(12, 6);
    const npz = (from: number, to: number) =>
      zip({
        'data.npy': Buffer.concat([
          npyHeader([to - from, 3072]),
          all.planes.subarray(from * 3072, to * 3072),
        ]),
        'labels.npy': bytes(9),
      });
    // Ten archives, in the order of their names as text: 1, 10, 2, 3, …
    const starts = [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const train = zip(
      Object.fromEntries(
        Array.from({ length: 10 }, (_, k) => [
          `train_data_batch_${k + 1}.npz`,
          npz(starts[k] as number, starts[k + 1] as number),
        ]).sort(),
      ),
    );
    const [set] = await obtain(
      'imagenet32',
      { train: { 'Imagenet32_train_npz.zip': train } },
      serve,
      folder(),
    );
    assert.equal(set?.count, 12);
    assert.deepEqual(set?.images, all.images);
    assert.equal(set?.labels, undefined);
  });

  it('a set with a missing or repeated part is refused', async () => {
    const batch = (n: number) => [`c/data_batch_${n}.bin`, records(bytes(3072), [[1]])] as const;
    for (const [numbers, said] of [
      [[1, 2, 4, 5], '1, 2, 4, 5'],
      [[1, 2, 3, 4, 5, 6], '1, 2, 3, 4, 5, 6'],
    ] as const) {
      const archive = tarGz(Object.fromEntries(numbers.map(batch)));
      await assert.rejects(
        obtain('cifar10', { train: { 'c.tar.gz': archive } }, serve, folder()),
        new RegExp(`it has the parts ${said}, not 1 to 5 each once`),
      );
    }
    const twice = tarGz({ 'a/test_batch.bin': batch(1)[1], 'b/test_batch.bin': batch(2)[1] });
    await assert.rejects(
      obtain('cifar10', { test: { 'c.tar.gz': twice } }, serve, folder()),
      /it has the parts 1, 1, not 1 to 1 each once/,
    );
  });

  it('a label outside the classes of its set is refused, in every format', async () => {
    const images = idxFile([2, 28, 28], bytes(2 * 784));
    const letters = (...labels: number[]) =>
      zip({
        'gzip/emnist-letters-test-images-idx3-ubyte.gz': images,
        'gzip/emnist-letters-test-labels-idx1-ubyte.gz': idxFile([2], Uint8Array.from(labels)),
      });
    const digits = { 'images.gz': images, 'labels.gz': idxFile([2], Uint8Array.of(9, 10)) };
    const cases: [Parameters<typeof obtain>[0], Record<string, Buffer>, RegExp][] = [
      [
        'cifar10',
        { 'c.gz': tarGz({ 'test_batch.bin': records(bytes(3072), [[10]]) }) },
        /is 10, .* 0 to 9/,
      ],
      [
        'cifar100',
        { 'c.gz': tarGz({ 'test.bin': records(bytes(3072), [[1, 100]]) }) },
        /is 100, .* 0 to 99/,
      ],
      ['mnist', digits, /a label is 10, and there are the classes 0 to 9/],
      ['emnist_letters', { 'a.zip': letters(26, 27) }, /is 26, .* 0 to 25/],
      ['emnist_letters', { 'a.zip': letters(1, 0) }, /is 255, .* 0 to 25/],
    ];
    for (const [name, test, message] of cases)
      await assert.rejects(obtain(name, { test }, serve, folder()), message);
  });

  it('files that do not belong to their set are refused in one line that names them', async () => {
    const cases: [Parameters<typeof obtain>[0], Buffer, RegExp][] = [
      [
        'cifar10',
        tarGz({ 'cifar-10-batches-bin/test_batch.bin': bytes(3000) }),
        /test_batch.bin' has 3000 bytes/,
      ],
      ['cifar10', tarGz({ 'something.txt': bytes(10) }), /no entry like/],
      ['svhn', bytes(500), /not a little-endian MATLAB 5 file/],
      ['svhn', Buffer.from(SCIPY, 'base64').subarray(0, 900), /ends within a variable/],
      ['emnist_letters', bytes(500), /cannot be converted/],
    ];
    for (const [name, archive, message] of cases) {
      await assert.rejects(
        obtain(name, { test: { 'a.file': archive } }, serve, folder()),
        (error: Error) => {
          assert.equal(error.name, 'FisherlabError');
          assert.match(error.message, message);
          assert.match(error.message, /a\.file/);
          return true;
        },
      );
    }
  });
});
