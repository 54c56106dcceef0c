import type { Tensor } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startBackend, tf } from '../../src/backend/start';
import { Collector } from '../../src/gradients/collector';
import { gradientsOf, grams, groupNorms, summedGradients } from '../../src/gradients/collectors';
import type { Layer } from '../../src/gradients/layer';
import { apply, sum } from '../../src/gradients/operations/plumbing';
import { oracleGradients } from '../../src/gradients/oracle';
import { Tape, type Value } from '../../src/gradients/tape';
import { normals } from '../../src/numerics/random';
import { assertClose, type Pair } from '../support/close';
import { looking } from '../support/looking';
import { CASES, type Case } from './cases';

const RUNS = Number(process.env.FISHERLAB_TEST_RUNS ?? 12);

/**
 * An objective of each image with a gradient that differs at every output: Σ (c·y + 0.3·y²), c made
 * by a fixed stream.
 */
function objective(y: Tensor, k: number): Tensor {
  const [n, ...rest] = y.shape as [number, ...number[]];
  const size = rest.reduce((a, b) => a * b, 1);
  const flat = tf.reshape(y, [n, size]); // [N, P]
  const c = tf.tensor1d(normals(77 + k, size));
  return tf.sum(tf.add(tf.mul(flat, c), tf.mul(tf.square(flat), 0.3)), 1); // [N]
}

const addAll = (parts: Tensor[]) => parts.reduce((a, b) => tf.add(a, b));

function trace(tape: Tape, { taped }: Case, x: Value): Value {
  const parts = taped(tape, x).map((y, k) => apply(tape, [y], (z) => objective(z, k)));
  return parts.length === 1 ? (parts[0] as Value) : sum(tape, parts);
}

function gradients(
  example: Case,
  images: Tensor,
  collector: Collector,
): { value: Float32Array; dx: Float32Array } {
  const tape = new Tape(collector);
  try {
    return tf.tidy(() => {
      const input = tape.input(images);
      const root = trace(tape, example, input);
      const value = root.tensor.dataSync().slice() as Float32Array;
      const [dx] = tape.backward(root, [input]);
      return { value, dx: (dx as Tensor).dataSync().slice() as Float32Array };
    });
  } finally {
    tape.dispose();
  }
}

/** Gradients of every image from the oracle, [N][|θ|] in float64. */
function expected(
  example: Case,
  images: Tensor,
): { value: Float32Array; dx: Float32Array; rows: Map<Layer, Float64Array[]> } {
  const plain = (x: Tensor) => addAll(example.plain(x).map(objective));
  const rows = new Map<Layer, Float64Array[]>();
  const n = images.shape[0] as number;
  const noise = tf.zeros([n]);
  const value = oracleGradients(
    example.layers,
    plain,
    images,
    noise,
    looking((layer, factors) => {
      const flat = factors.instantiate(1).dataSync();
      const size = layer.variable.size;
      rows.set(
        layer,
        Array.from({ length: n }, (_, k) =>
          Float64Array.from(flat.slice(k * size, (k + 1) * size)),
        ),
      );
    }),
  );
  const dx = tf.tidy(() =>
    tf
      .grad((x: Tensor) => tf.sum(plain(x)))(images)
      .dataSync()
      .slice(),
  ) as Float32Array;
  const numbers = value.dataSync().slice() as Float32Array;
  tf.dispose([value, noise]);
  return { value: numbers, dx, rows };
}

const dot = (a: Float64Array, b: Float64Array) =>
  a.reduce((total, value, k) => total + value * (b[k] as number), 0);
const added = (rows: Float64Array[]) =>
  rows.reduce(
    (total, row) => total.map((value, k) => value + (row[k] as number)),
    new Float64Array(rows[0]?.length ?? 0),
  );

function compare(example: Case, n: number, B: number, seed: number): void {
  const images = tf.tensor(normals(seed, n * B * example.input.reduce((a, b) => a * b, 1)), [
    n * B,
    ...example.input,
  ]);
  const want = expected(example, images);
  const groups = (rows: Float64Array[]) =>
    Array.from({ length: n }, (_, g) => added(rows.slice(g * B, (g + 1) * B)));
  const learned = example.layers.filter((layer) => !layer.frozen);
  const spread = (length: number) =>
    [0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9].map((part) => Math.floor(part * length));
  const choice = new Map(learned.map((layer) => [layer.name, spread(layer.variable.size)]));
  const collect = <K extends string>(collector: Collector<K>, key: K) => {
    const { value, dx } = gradients(example, images, collector);
    return { value, dx, numbers: collector.read(key) };
  };
  const product = new Collector((gradient) => {
    const { x, dy } = gradient.grouped(B);
    return { norms: tf.sum(tf.square(tf.matMul(x, dy, true)), [1, 2]) }; // [N/B]
  });
  const sums = collect(summedGradients(), 'sum');
  const found: [string, Map<string, Float32Array>, (rows: Float64Array[]) => ArrayLike<number>][] =
    [
      ['summed', sums.numbers, added],
      [
        'squared norms',
        collect(groupNorms(B), 'norms').numbers,
        (rows) => groups(rows).map((g) => dot(g, g)),
      ],
      [
        'Gram matrix',
        collect(grams(B), 'gram').numbers,
        (rows) => groups(rows).flatMap((a) => groups(rows).map((b) => dot(a, b))),
      ],
      [
        'user function',
        collect(product, 'norms').numbers,
        (rows) => groups(rows).map((g) => dot(g, g)),
      ],
    ];
  const pairs: Pair[] = [
    { name: 'value', actual: sums.value, expected: want.value },
    { name: 'input', actual: sums.dx, expected: want.dx },
  ];
  const chosen = collect(gradientsOf(choice), 'gradients').numbers;
  for (const layer of learned) {
    const rows = want.rows.get(layer) as Float64Array[];
    for (const [name, numbers, of] of found)
      pairs.push({
        name: `${layer.name}, ${name}`,
        actual: numbers.get(layer.name) ?? [],
        expected: of(rows),
      });
    const places = choice.get(layer.name) as number[];
    pairs.push({
      name: `${layer.name}, chosen`,
      actual: chosen.get(layer.name) ?? [],
      expected: rows.flatMap((row) => places.map((k) => row[k] as number)),
    });
  }
  const frozen = example.layers.filter((layer) => layer.frozen);
  if (frozen.some((layer) => found.some(([, numbers]) => numbers.has(layer.name))))
    throw new Error('a frozen layer was visited');
  images.dispose();
  // Squares double a relative error; sums over a dozen terms of either sign are measured against
  // the largest number.
  assertClose(pairs, { relative: 4e-4, ofLargest: 4e-5, absolute: 2e-5 });
}

const sizes = fc.record({
  h: fc.integer({ min: 1, max: 5 }),
  w: fc.integer({ min: 1, max: 4 }),
  i: fc.integer({ min: 1, max: 4 }),
  o: fc.integer({ min: 1, max: 5 }),
  kernel: fc.constantFrom(1, 2, 3, 4, 5, 7),
  stride: fc.constantFrom(1, 1, 2, 3),
  pad: fc.integer({ min: 0, max: 3 }),
  seed: fc.integer({ min: 1, max: 1e6 }),
  frozen: fc.constantFrom(false, false, false, true),
});

describe('gradients of operations', () => {
  before(startBackend);

  for (const [name, make] of Object.entries(CASES)) {
    it(`${name}: value, gradients to input and layers by every collector equal those of a plain loop over images`, () => {
      fc.assert(
        fc.property(
          sizes,
          fc.integer({ min: 1, max: 3 }),
          fc.integer({ min: 1, max: 3 }),
          (s, n, B) => {
            // The window has to fit, and padding stays below the kernel.
            const fits = s.pad < s.kernel && Math.min(s.h, s.w) + 2 * s.pad >= s.kernel;
            fc.pre(fits);
            const before = tf.memory().numTensors;
            const example = make(s);
            const held = tf.memory().numTensors;
            compare(example, n, B, s.seed + 500);
            if (tf.memory().numTensors !== held)
              throw new Error(`${tf.memory().numTensors - held} tensors leaked`);
            tf.dispose(example.layers.map((layer) => layer.variable));
            return before <= held;
          },
        ),
        { numRuns: RUNS, seed: 20240917 },
      );
    });
  }
});
