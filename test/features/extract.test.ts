import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { pixels } from '../../src/data/batches';
import type { FeatureTable } from '../../src/detectors/table';
import { extractTables } from '../../src/features/extract';
import { defineFeature } from '../../src/gradients/features';
import { affine, logit, represent } from '../../src/invariance/index';
import { disposeModel } from '../../src/models/checkpoint';
import { Glow } from '../../src/models/glow/glow';
import { difference } from '../support/close';
import { looking } from '../support/looking';
import { images, shaken } from '../support/tiny';

const SHAPE = [4, 4, 1] as const;

/** Equal but for the rounding of float32 sums of another order. */
function assertAlike(actual: FeatureTable | undefined, expected: FeatureTable | undefined): void {
  assert.equal(actual?.rows, expected?.rows);
  assert.equal(actual?.batchSize, expected?.batchSize);
  assert.deepEqual(
    actual?.columns.map(({ values, ...column }) => column),
    expected?.columns.map(({ values, ...column }) => column),
  );
  const lines = (expected?.columns ?? []).map(({ feature, layer, values }, j) =>
    difference({
      name: `${feature} ${layer}`,
      actual: actual?.columns[j]?.values ?? [],
      expected: values,
    }),
  );
  assert.deepEqual(
    lines.filter((line) => line !== null),
    [],
  );
}

describe('a table of features', () => {
  let model: Glow;
  const data = images('uniform', 23, SHAPE, 1);
  before(async () => {
    await startBackend();
    model = shaken(new Glow({ family: 'glow', imageShape: SHAPE, K: 1, L: 1, hidden: 3, seed: 1 }));
  });
  after(() => disposeModel(model));

  it('holds, for every batch, the gradient of the summed log-likelihood squared, and the sum itself', async () => {
    const [table] = (await extractTables(model, data, { batchSizes: [3], seed: 4 })) as [
      FeatureTable,
    ];
    assert.equal(table.rows, 7, 'the batch that is not full is dropped');
    assert.deepEqual(
      table.columns.map(({ layer }) => layer),
      [undefined, ...model.layers.map(({ name }) => name)],
    );
    // Batch 5 by hand: three images one by one, their whole gradients added up.
    const indices = [15, 16, 17];
    const sums = new Map<string, Float64Array>();
    let likelihood = 0;
    for (const index of indices) {
      tf.tidy(() => {
        const value = model.gradients(
          pixels(data, [index]),
          model.noise([index], 4),
          looking((layer, factors) => {
            const gradient = factors.instantiate(1).dataSync();
            const sum = sums.get(layer.name) ?? new Float64Array(gradient.length);
            sums.set(
              layer.name,
              sum.map((x, k) => x + (gradient[k] as number)),
            );
          }),
        );
        likelihood += value.dataSync()[0] as number;
      });
    }
    for (const { feature, layer, values } of table.columns) {
      const expected =
        layer === undefined
          ? likelihood
          : (sums.get(layer) ?? new Float64Array(0)).reduce((s, g) => s + g * g, 0);
      assert.equal(
        difference({
          name: `${feature} ${layer}`,
          actual: [values[5] as number],
          expected: [expected],
        }),
        null,
      );
    }
  });

  it('is the same for any number of images per pass, and for batch sizes together or apart', async () => {
    const sizes = [1, 5, 4];
    const whole = await extractTables(model, data, { batchSizes: sizes, seed: 4, chunk: 20 });
    assert.deepEqual(
      whole.map((table) => table.rows),
      [23, 4, 5],
    );
    for (const chunk of [1, 2, 7, 23, 1000]) {
      const other = await extractTables(model, data, { batchSizes: sizes, seed: 4, chunk });
      sizes.forEach((_, b) => {
        assertAlike(other[b], whole[b]);
      });
    }
    for (const [b, B] of sizes.entries()) {
      const [alone] = await extractTables(model, data, { batchSizes: [B], seed: 4 });
      assertAlike(alone, whole[b]);
    }
    const ones = whole[0]?.columns[0]?.values ?? [];
    const fives = whole[1]?.columns[0]?.values ?? [];
    fives.forEach((value, batch) => {
      const sum = Array.from(ones.slice(5 * batch, 5 * batch + 5)).reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(value / sum - 1) < 1e-6, `batch ${batch}: ${value} and ${sum}`);
    });
  });

  it('draws noise by image index: it depends only on the images and the seed', async () => {
    const first = { ...data, count: 8, images: data.images.slice(0, 8 * 16) };
    const [all] = await extractTables(model, data, { batchSizes: [1], seed: 4 });
    const [few] = await extractTables(model, first, { batchSizes: [1], seed: 4 });
    assertAlike(few, {
      ...(all as FeatureTable),
      rows: 8,
      columns: (all as FeatureTable).columns.map((column) => ({
        ...column,
        values: column.values.slice(0, 8),
      })),
    });
    const [other] = await extractTables(model, first, { batchSizes: [1], seed: 5 });
    assert.notDeepEqual(other?.columns[0]?.values, few?.columns[0]?.values);
  });

  it('takes features of several numbers and of several kinds, a column each', async () => {
    const ends = defineFeature({
      name: 'ends',
      ofLayer: (x) =>
        tf.concat(
          [tf.max(x, [1, 2]), tf.min(x, [1, 2])].map((v) => v.expandDims(1)),
          1,
        ),
    });
    const size = defineFeature({
      name: 'T',
      ofLayer: (x) => tf.fill([x.shape[0] as number], x.shape[1] as number),
    });
    const [table] = await extractTables(model, data, {
      batchSizes: [2],
      seed: 4,
      features: [ends, size],
    });
    const columns =
      table?.columns.filter(({ layer }) => layer === 'flow.layers.1.block.0.conv.weight') ?? [];
    assert.deepEqual(
      columns.map(({ feature, size }) => [feature, size]),
      [
        ['ends[0]', 54],
        ['ends[1]', 54],
        ['T', 54],
      ],
    );
    const [most, least, positions] = columns.map(({ values }) => values) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    assert.ok(
      positions.every((T) => T === 2 * 2 * 2),
      '2 images of 2x2 positions',
    );
    assert.ok(most.every((value, row) => value > (least[row] as number)));
  });

  it('refuses a seed or a chunk that is not a whole number, before any work', async () => {
    for (const [wrong, about] of [
      [{ seed: -1 }, /the seed is -1; give a whole number from 0/],
      [{ seed: 1.5 }, /the seed is 1.5; /],
      [{ seed: 1, chunk: 0 }, /chunk is 0; give a whole number from 1 on/],
      [{ seed: 1, chunk: 2.5 }, /chunk is 2.5; /],
      [{ seed: 1, chunk: Number.NaN }, /chunk is NaN; /],
    ] as const)
      await assert.rejects(extractTables(model, data, { batchSizes: [1], ...wrong }), {
        name: 'FisherlabError',
        message: about,
      });
  });

  it('reports progress, frees its tensors, and says what it cannot do', async () => {
    const before = tf.memory().numTensors;
    const seen: number[] = [];
    await extractTables(model, data, {
      batchSizes: [4],
      seed: 1,
      chunk: 8,
      progress: (n) => seen.push(n),
    });
    assert.deepEqual(seen, [8, 16, 20]);
    await assert.rejects(
      extractTables(model, data, { batchSizes: [1, 24], seed: 1 }),
      /a batch of 24 is larger than the 23 images of 'uniform'; choose a smaller/,
    );
    for (const B of [0, -1, 2.5]) {
      await assert.rejects(
        extractTables(model, data, { batchSizes: [B], seed: 1 }),
        /a batch cannot have .* images; give whole/,
      );
    }
    const infinite = defineFeature({
      name: 'inverse',
      ofLayer: (x) => tf.div(1, tf.mul(0, tf.sum(x, [1, 2]))),
    });
    await assert.rejects(
      extractTables(model, data, { batchSizes: [1], seed: 1, features: [infinite] }),
      /inverse of tensor '.*' \(.*\) is (NaN|-?Infinity) at image 0/,
    );
    assert.equal(tf.memory().numTensors, before);
  });

  it('of a model seen through a representation holds the same gradients of the same images, and another likelihood', async () => {
    const seen = represent(model, logit());
    // the points of the model's own space, with the noise in them
    const dequantised = represent(model, affine(1, 0));
    const [changed, plain] = await Promise.all(
      [seen, dequantised].map(
        async (one) =>
          (await extractTables(one, data, { batchSizes: [1], seed: 4 }))[0] as FeatureTable,
      ),
    );
    assertAlike(
      { ...(changed as FeatureTable), columns: (changed as FeatureTable).columns.slice(1) },
      { ...(plain as FeatureTable), columns: (plain as FeatureTable).columns.slice(1) },
    );
    const [one, other] = [changed, plain].map((table) => table?.columns[0]?.values[0] as number);
    assert.ok(Math.abs((one as number) - (other as number)) > 1, `${one} and ${other}`);
  });
});
