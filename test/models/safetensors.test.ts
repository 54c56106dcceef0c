import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { FisherlabError } from '../../src/errors';
import {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  readSafetensors,
  writeSafetensors,
} from '../../src/models/safetensors';
import { fromHalf, toHalf } from '../../src/models/stored-numbers';

/** A file put together by hand. */
function file(header: unknown, data: Uint8Array): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

const one = (dtype: string, data: Uint8Array, shape = [2]) =>
  file({ a: { dtype, shape, data_offsets: [0, data.length] } }, data);

const values = (bytes: Buffer) =>
  Array.from(decodeSafetensors(bytes, 'x').tensors.get('a')?.values ?? []);

describe('safetensors', () => {
  it('return every bit of every float32, the shapes, the metadata and the order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ maxLength: 9 }), fc.array(fc.float())), { maxLength: 5 }),
        fc.dictionary(fc.string({ maxLength: 5 }), fc.string()),
        (arrays, metadata) => {
          const tensors = arrays.map(([name, numbers], k) => ({
            name: `${k} ${name}`,
            shape: [1, numbers.length],
            values: Float32Array.from(numbers),
          }));
          const read = decodeSafetensors(Buffer.from(encodeSafetensors(tensors, metadata)), 'x');
          assert.deepEqual({ ...read.metadata }, { ...metadata });
          assert.deepEqual([...read.tensors.values()], tensors);
          for (const { name, values } of tensors) {
            assert.ok(
              Buffer.from(values.buffer).equals(
                Buffer.from(read.tensors.get(name)?.values.buffer as ArrayBuffer),
              ),
            );
          }
        },
      ),
      { seed: 1 },
    );
  });

  it('are written as the format says: length, JSON, numbers, little-endian, the JSON padded to 8 bytes', () => {
    const bytes = Buffer.from(
      encodeSafetensors([{ name: 'a', shape: [2], values: Float32Array.of(1, -2) }], { k: 'v' }),
    );
    const length = Number(bytes.readBigUInt64LE(0));
    assert.equal(length % 8, 0);
    const { __metadata__: metadata, ...entries } = JSON.parse(
      bytes.toString('utf8', 8, 8 + length),
    );
    assert.equal(metadata.k, 'v');
    assert.deepEqual(entries, { a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } });
    assert.equal(bytes.toString('hex', 8 + length), '0000803f000000c0');
  });

  it('are sealed with the checksum of the same file without a seal', () => {
    const numbers = Buffer.from('0000803f000000c0', 'hex');
    const header = {
      __metadata__: { k: 'v' },
      a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    };
    const plain = file(JSON.stringify(header).padEnd(80), numbers);
    const sealed = Buffer.from(
      encodeSafetensors([{ name: 'a', shape: [2], values: Float32Array.of(1, -2) }], { k: 'v' }),
    );
    const sha256 = createHash('sha256').update(plain).digest('hex');
    assert.ok(sealed.includes(`"sha256":"${sha256}"`));
    assert.equal(decodeSafetensors(plain, 'x').checksum, sha256);
    assert.equal(decodeSafetensors(sealed, 'x').checksum, sha256);
  });

  it('that were altered in any byte are noticed', () => {
    const tensors = ['a', 'b'].map((name) => ({
      name,
      shape: [3],
      values: Float32Array.of(1, 2, 3),
    }));
    const whole = Buffer.from(encodeSafetensors(tensors, { fisherlab: '{"step": 300}' }));
    const key = whole.indexOf('"sha256"'); // without which there is no seal
    for (let at = 0; at < whole.length; at++) {
      if (at >= key && at < key + 8) continue;
      const altered = Buffer.from(whole);
      altered.writeUInt8(whole.readUInt8(at) ^ 1, at);
      assert.throws(
        () => decodeSafetensors(altered, 'weights'),
        (error: Error) => error instanceof FisherlabError && !error.message.includes('\n'),
        `byte ${at}: ${whole.toString('latin1', at - 5, at + 5)}`,
      );
    }
    whole.writeUInt8(0x41, whole.length - 1);
    assert.throws(
      () => decodeSafetensors(whole, 'weights'),
      /^FisherlabError: 'weights' is damaged: it was altered, its SHA-256/,
    );
  });

  it('of every number type can be read', () => {
    const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer);
    assert.deepEqual(values(one('F64', bytes(Float64Array.of(0.1, -1e300)))), [
      Math.fround(0.1),
      Number.NEGATIVE_INFINITY,
    ]);
    assert.deepEqual(values(one('F16', bytes(Uint16Array.of(0x3c00, 0xc000)))), [1, -2]);
    // The upper halves of the float32 numbers 1 and −3.140625 (0xc0490000).
    assert.deepEqual(values(one('BF16', bytes(Uint16Array.of(0x3f80, 0xc049)))), [1, -3.140625]);
    assert.deepEqual(values(one('I64', bytes(BigInt64Array.of(-3n, 6000n)))), [-3, 6000]);
    assert.deepEqual(values(one('U64', bytes(BigUint64Array.of(3n, 2n ** 40n)))), [3, 2 ** 40]);
    assert.deepEqual(values(one('I32', bytes(Int32Array.of(-3, 9)))), [-3, 9]);
    assert.deepEqual(values(one('U32', bytes(Uint32Array.of(2 ** 31, 9)))), [2 ** 31, 9]);
    assert.deepEqual(values(one('I16', bytes(Int16Array.of(-3, 9)))), [-3, 9]);
    assert.deepEqual(values(one('U16', bytes(Uint16Array.of(65535, 9)))), [65535, 9]);
    assert.deepEqual(values(one('I8', bytes(Int8Array.of(-3, 9)))), [-3, 9]);
    assert.deepEqual(values(one('U8', bytes(Uint8Array.of(253, 9)))), [253, 9]);
    assert.deepEqual(values(one('BOOL', bytes(Uint8Array.of(1, 0)))), [1, 0]);
    assert.throws(
      () => values(one('F8_E4M3', new Uint8Array(2))),
      /'a' is of type F8_E4M3; store it as one of .*F32/,
    );
  });

  it('of half precision hold the known numbers of IEEE 754', () => {
    for (const [bits, value] of [
      [0x0000, 0],
      [0x8000, -0],
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x0400, 6.103515625e-5],
      [0x3555, 0.333251953125],
      [0x3bff, 0.99951171875],
      [0x3c00, 1],
      [0x3c01, 1.0009765625],
      [0xc000, -2],
      [0x7bff, 65504],
      [0x7c00, Number.POSITIVE_INFINITY],
      [0xfc00, Number.NEGATIVE_INFINITY],
    ] as const) {
      assert.equal(fromHalf(bits), value, bits.toString(16));
      assert.equal(toHalf(value), bits, String(value));
    }
  });

  it('of half precision: all 65536 are decoded and encoded to themselves', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromHalf(bits);
      if (Number.isNaN(value)) assert.ok(Number.isNaN(fromHalf(toHalf(value))), 'NaN stays NaN');
      else assert.equal(toHalf(value), bits);
    }
  });

  it('of half precision are rounded to the nearest number, or to the even one of two', () => {
    // All halves from 0 up, in order: their bit patterns count up with their values.
    const halves = Float64Array.from({ length: 0x7c01 }, (_, bits) =>
      bits === 0x7c00 ? 65536 : fromHalf(bits),
    );
    const nearest = (x: number) => {
      let [low, high] = [0, 0x7c00];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if ((halves[middle] as number) <= x) low = middle;
        else high = middle;
      }
      const [below, above] = [x - (halves[low] as number), (halves[high] as number) - x];
      if (below === above) return low % 2 === 0 ? low : high;
      return below < above ? low : high;
    };
    fc.assert(
      fc.property(fc.float({ min: 0, max: Math.fround(65535), noNaN: true }), (x) => {
        assert.equal(toHalf(x), nearest(Math.abs(x)));
        assert.equal(toHalf(-x), nearest(Math.abs(x)) | 0x8000);
      }),
      { seed: 1, numRuns: 2000 },
    );
    for (let bits = 0; bits < 0x7c00; bits += 7) {
      const middle = ((halves[bits] as number) + (halves[bits + 1] as number)) / 2;
      assert.equal(
        toHalf(middle),
        bits % 2 === 0 ? bits : bits + 1,
        `between ${bits} and the next`,
      );
    }
  });

  it('take counters as I64, and say what half precision cannot hold', () => {
    const tensor = (x: number, stored: NamedTensor['stored']): NamedTensor => ({
      name: 'a',
      shape: [],
      values: Float32Array.of(x),
      stored,
    });
    const bytes = Buffer.from(encodeSafetensors([tensor(6000, 'I64')], {}));
    assert.equal(bytes.readBigInt64LE(bytes.length - 8), 6000n);
    assert.deepEqual(values(bytes), [6000]);
    assert.throws(
      () => encodeSafetensors([tensor(1e5, 'F16')], {}),
      /tensor 'a' holds 100000; half precision ends at 65504/,
    );
    assert.throws(
      () => encodeSafetensors([{ ...tensor(1, 'F32'), shape: [2] }], {}),
      /'a' has 1 values; its shape is \[2\]/,
    );
  });

  it('that are truncated anywhere, or too long, are noticed', () => {
    const whole = Buffer.from(
      encodeSafetensors(
        ['a', 'b'].map((name) => ({ name, shape: [3], values: Float32Array.of(1, 2, 3) })),
        { fisherlab: '{}' },
      ),
    );
    for (let length = 0; length < whole.length; length++) {
      assert.throws(
        () => decodeSafetensors(whole.subarray(0, length), 'weights'),
        (error: Error) =>
          error instanceof FisherlabError &&
          /^'weights' is damaged: .*; restore the file/.test(error.message),
        `cut to ${length} of ${whole.length}`,
      );
    }
    assert.throws(
      () => decodeSafetensors(Buffer.concat([whole, Buffer.alloc(3)]), 'w'),
      /3 bytes at its end belong to no tensor/,
    );
  });

  it('with a wrong header are noticed', () => {
    const data = new Uint8Array(8);
    const entry = (change: object) =>
      file({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...change } }, data);
    for (const [bytes, says] of [
      [entry({ shape: [3] }), /'a' has 8 bytes for \[3\] of F32/],
      [entry({ shape: [-2] }), /says no shape or place of 'a'/],
      [entry({ shape: 'two' }), /says no shape or place of 'a'/],
      [entry({ shape: [2 ** 60, 2 ** 60] }), /'a' has 8 bytes|says no shape/],
      [entry({ data_offsets: [8, 16] }), /does not begin where/],
      [entry({ data_offsets: [8, 0] }), /has -8 bytes/],
      [entry({ data_offsets: [0] }), /says no shape or place/],
      [entry({ data_offsets: [0, 8e15] }), /bytes for/],
      [file({ a: null }, data), /says no shape or place of 'a'/],
      [file('[1, 2]', data), /no JSON object/],
      [file({ __metadata__: null }, new Uint8Array()), /its metadata are not texts by name/],
      [file({ __metadata__: { step: 3 } }, new Uint8Array()), /its metadata are not texts by name/],
      [file('{"a"', data), /not JSON/],
      [
        file(
          {
            a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
            b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
          },
          data,
        ),
        /'b' does not begin where the one before it ends/,
      ],
      [
        Buffer.from('%PDF-1.7 and so on, no weights'),
        /shorter than its header, or no safetensors file/,
      ],
    ] as const) {
      assert.throws(
        () => decodeSafetensors(bytes, 'weights'),
        (error: Error) => error instanceof FisherlabError && says.test(error.message),
        String(says),
      );
    }
  });

  it('are told from pickles and zip archives by their header, whatever its length begins with', () => {
    // Lengths whose first bytes are those of a pickle (0x80, protocol 2) and of a zip ("PK").
    for (const length of [0x0280, 0x4b50]) {
      const json = JSON.stringify({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } });
      assert.deepEqual(values(file(json.padEnd(length), new Uint8Array(8))), [0, 0]);
    }
    assert.ok(readSafetensors('data/models/vae-cifar10.safetensors').tensors.size > 0);
    const others: [Buffer, RegExp][] = [
      [Buffer.from('PK\u0003\u0004\0\0\0\0\0\0\0\0', 'latin1'), /'w\.pt' is a PyTorch file/],
      [Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0x58, 5, 0, 0, 0]), /'w\.pt' is a PyTorch file/],
      [
        Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'),
        /'w\.pt' is a pointer of git-lfs, .*git lfs pull/,
      ],
    ];
    for (const [bytes, says] of others) assert.throws(() => decodeSafetensors(bytes, 'w.pt'), says);
  });

  it('that name a tensor twice are refused, but names inside of strings do not count', () => {
    const a = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';
    assert.throws(
      () => decodeSafetensors(file(`{${a},"\\u0061":{}, ${a}}`, new Uint8Array(8)), 'w'),
      /'w' is damaged: its header names 'a' twice/,
    );
    const tricky = `{"__metadata__":{"a":"{\\"a\\":1}"},${a}}`;
    assert.equal(decodeSafetensors(file(tricky, new Uint8Array(8)), 'w').tensors.size, 1);
  });

  it('are written completely and read back; a missing file is reported in one line', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-safetensors-'));
    try {
      const name = path.join(folder, 'a.safetensors');
      await writeSafetensors(name, [{ name: 'a', shape: [1], values: Float32Array.of(7) }], {});
      assert.deepEqual(readdirSync(folder), ['a.safetensors']);
      assert.deepEqual(Array.from(readSafetensors(name).tensors.get('a')?.values ?? []), [7]);
      writeFileSync(name, readFileSync(name).subarray(1));
      assert.throws(() => readSafetensors(name), FisherlabError);
      assert.throws(
        () => readSafetensors(path.join(folder, 'b')),
        /b' cannot be read; check the path/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
