import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { FisherlabError } from '../../src/errors';
import { imagesAtOnce } from '../../src/gradients/batch-size';
import { Collector } from '../../src/gradients/collector';
import {
  gradientsOf,
  gradientsOfGroups,
  grams,
  groupNorms,
  summedGradients,
} from '../../src/gradients/collectors';
import { eagerly } from '../../src/gradients/feature-passes';
import { squaredNorm } from '../../src/gradients/features';
import { setLayer } from '../../src/gradients/layer';
import { oracleGradients } from '../../src/gradients/oracle';
import { squaredNorms } from '../../src/gradients/squared-norms';
import { Glow } from '../../src/models/glow/glow';
import { ordinaryModel } from '../../src/models/ordinary';
import { normals, uniforms } from '../../src/numerics/random';
import { assertClose, difference } from '../support/close';
import { looking } from '../support/looking';

const shape = [8, 8, 1] as const;
const size = 64;

function tinyGlow(): Glow {
  const model = new Glow({ family: 'glow', imageShape: shape, K: 2, L: 2, hidden: 6, seed: 5 });
  // Glow starts as the identity; random weights give every tensor a gradient.
  model.layers.forEach((layer, k) => {
    setLayer(
      layer,
      normals(100 + k, layer.variable.size).map((value) => 0.1 * value),
    );
  });
  return model;
}

function batch(model: Glow, n: number): [tf.Tensor, tf.Tensor] {
  const pixels = uniforms(9, n * size).map((u) => Math.floor(256 * u));
  return [
    tf.tensor4d(pixels, [n, ...shape]),
    model.noise(
      Array.from({ length: n }, (_, k) => k),
      3,
    ),
  ];
}

const free = (model: Glow) =>
  tf.dispose([...model.layers, ...model.buffers].map((layer) => layer.variable));

/** Runs `f` with warnings collected. */
function warnings(f: () => void): string[] {
  const said: string[] = [];
  const { warn } = console;
  console.warn = (line: string) => said.push(line);
  try {
    f();
  } finally {
    console.warn = warn;
  }
  return said;
}

describe('collectors of the one pass', () => {
  let model: Glow;
  before(async () => {
    await startBackend();
    model = tinyGlow();
  });
  after(() => free(model));

  it('the norms of a whole Glow, single and in groups, equal those of its log-likelihood differentiated by TensorFlow.js image by image', () => {
    const [images, noise] = batch(model, 4);
    // The forward pass is ordinary tf operations without the tape's gradients: the oracle
    // differentiates it by itself.
    const rows = new Map<string, Float32Array>();
    const value = oracleGradients(
      model.layers,
      (x, u) => model.logLikelihood(x, u),
      images,
      noise,
      looking((layer, factors) => {
        rows.set(layer.name, factors.instantiate(1).dataSync().slice() as Float32Array);
      }),
    );
    for (const B of [1, 2]) {
      const { norms, layers, logLikelihood, dropped } = squaredNorms(model, images, noise, B);
      assert.equal(dropped, 0);
      const expected = Float64Array.from({ length: norms.length }, (_, at) => {
        const [g, j] = [Math.floor(at / layers.length), at % layers.length];
        const all = rows.get(layers[j] as string) as Float32Array;
        const length = all.length / 4;
        let total = 0;
        for (let i = 0; i < length; i++) {
          let joint = 0;
          for (let b = 0; b < B; b++) joint += all[(g * B + b) * length + i] as number;
          total += joint ** 2;
        }
        return total;
      });
      assertClose(
        [
          { name: `norms, B = ${B}`, actual: norms, expected },
          { name: 'log-likelihood', actual: logLikelihood, expected: value.dataSync() },
        ],
        { relative: 1e-3, ofLargest: 1e-7, absolute: 1e-9 },
      );
    }
    tf.dispose([images, noise, value]);
  });

  it('images that do not fill a group are left out and reported; with none, or too few, the result is empty', () => {
    const [images, noise] = batch(model, 5);
    const none = [tf.zeros([0, ...shape]), tf.zeros([0, ...shape])] as const;
    const said = warnings(() => {
      const { norms, logLikelihood, dropped, layers } = squaredNorms(model, images, noise, 2);
      assert.deepEqual([norms.length, logLikelihood.length, dropped], [2 * layers.length, 4, 1]);
      assert.equal(squaredNorms(model, images, noise, 6).norms.length, 0);
      assert.deepEqual([...squaredNorms(model, ...none, 1).norms], []);
    });
    assert.equal(said.length, 2);
    assert.match(said[0] as string, /the last 1 of 5 images do not fill a group of 2/);
    assert.throws(() => squaredNorms(model, images, noise, 0), FisherlabError);
    tf.dispose([images, noise, ...none]);
  });

  it('the result does not depend on how many images go through at once', () => {
    const [images, noise] = batch(model, 7);
    const whole = squaredNorms(model, images, noise, 1);
    for (const atOnce of [1, 2, 3]) {
      const { norms, logLikelihood } = squaredNorms(
        model,
        images,
        noise,
        1,
        eagerly(model, [squaredNorm], [1], atOnce),
      );
      assertClose(
        [
          { name: `norms, ${atOnce} at once`, actual: norms, expected: whole.norms },
          {
            name: `log-likelihood, ${atOnce} at once`,
            actual: logLikelihood,
            expected: whole.logLikelihood,
          },
        ],
        { relative: 1e-4, ofLargest: 1e-7 },
      );
    }
    tf.dispose([images, noise]);
  });

  it('a gradient that is not finite is an error that names tensor, image and operation, not a number in a table', () => {
    const [images, noise] = batch(model, 3);
    const spoilt = tf.tidy(() =>
      tf.add(images, tf.reshape(tf.tensor1d([0, Number.NaN, 0]), [3, 1, 1, 1])),
    );
    assert.throws(
      () => squaredNorms(model, spoilt, noise, 1),
      /tensor 'learn_top_fn\.\S+' \(zero-convolution\).*image 1\b/,
    );
    const norms = groupNorms(1);
    model.gradients(spoilt, noise, norms).dispose();
    assert.throws(
      () => norms.read('norms'),
      /tensor '\S+' \([a-zA-Z -]+\) at image 1 is NaN; look for damaged weights or images/,
    );
    tf.dispose([images, noise, spoilt]);
  });

  it('a frozen layer makes no feature', () => {
    const variables = {
      used: tf.variable(tf.scalar(2), true, 'used-by-test'),
      frozen: tf.variable(tf.scalar(3), false, 'frozen-by-test'),
    };
    const own = ordinaryModel({
      family: 'own',
      imageShape: [1, 1, 1],
      variables,
      logLikelihood: (images) =>
        tf.sum(tf.mul(tf.mul(images, variables.used), variables.frozen), [1, 2, 3]),
    });
    const images = tf.tensor4d([5, 7], [2, 1, 1, 1]);
    const noise = own.noise([0, 1], 1);
    const { layers, norms } = squaredNorms(own, images, noise, 1);
    assert.deepEqual([layers, [...norms]], [['used'], [15 ** 2, 21 ** 2]]);
    tf.dispose([images, noise, Object.values(variables)]);
  });

  it('no tensor is left behind by any collector, nor when a collector throws in the middle', () => {
    const [images, noise] = batch(model, 4);
    squaredNorms(model, images, noise, 2);
    const held = tf.memory().numTensors;
    const name = model.layers[3]?.name as string;
    const all: Collector[] = [
      summedGradients(),
      groupNorms(2),
      grams(2),
      gradientsOf(new Map([[name, [0, 1]]])),
      gradientsOfGroups(2),
      new Collector((gradient) => {
        const { x, dy } = gradient.grouped(4);
        return { product: tf.matMul(x, dy, true) };
      }),
      new Collector((gradient) => ({ ...gradient.grouped(1) }), { sums: ['x'] }),
    ];
    for (const collector of all) {
      for (let pass = 0; pass < 2; pass++) model.gradients(images, noise, collector).dispose();
      const [keys] = [...collector.byLayer.values()].map((tensors) => Object.keys(tensors));
      for (const key of keys ?? []) collector.numbers(key);
      collector.read(keys?.[0] as string);
      assert.equal(tf.memory().numTensors, held);
    }
    squaredNorms(model, images, noise, 2);
    imagesAtOnce(tinyProxy(model), images, noise);
    assert.equal(tf.memory().numTensors, held, 'squaredNorms or imagesAtOnce');
    let calls = 0;
    const failing = looking(() => {
      tf.zeros([3]);
      if (++calls === 20) throw new Error('mine');
    });
    assert.throws(() => model.gradients(images, noise, failing), /mine/);
    assert.throws(
      () =>
        oracleGradients(
          model.layers,
          (x, u) => model.logLikelihood(x, u),
          images,
          noise,
          looking(() => {
            throw new Error('mine');
          }),
        ),
      /mine/,
    );
    assert.throws(
      () => gradientsAt(model, images, noise, name, 10_000),
      /has no weight 10000; choose among 0 to/,
    );
    assert.equal(tf.memory().numTensors, held, 'after a collector that throws');
    tf.dispose([images, noise]);
  });

  it('the number of images at once falls with the size of the model and is at least one', () => {
    const [images, noise] = batch(model, 2);
    const large = new Glow({
      family: 'glow',
      imageShape: [64, 64, 3],
      K: 4,
      L: 2,
      hidden: 768,
      seed: 1,
    });
    const [big, bigNoise] = [tf.zeros([2, 64, 64, 3]), large.noise([0, 1], 1)];
    const [few, many] = [imagesAtOnce(large, big, bigNoise), imagesAtOnce(model, images, noise)];
    assert.equal(many, 128);
    assert.ok(few >= 1 && few < 64, `${few}`);
    free(large);
    tf.dispose([images, noise, big, bigNoise]);
  });
});

describe('assertClose', () => {
  it('reports all tensors that differ, with index, ratio and count, and treats NaN as equal to nothing', () => {
    const pairs = [
      { name: 'a', actual: [1, 2.2, 3], expected: [1, 2, 2] },
      { name: 'b', actual: [1], expected: [1] },
      { name: 'c', actual: [Number.NaN], expected: [Number.NaN] },
      { name: 'd', actual: [1], expected: [1, 2] },
      { name: 'e', actual: [Number.POSITIVE_INFINITY], expected: [1] },
    ];
    assert.throws(
      () => assertClose(pairs),
      /4 of 5 tensors differ:\n {2}a\[2\]: 3, expected 2, ratio 1\.50000; 2 of 3 numbers are off\n {2}c\[0\]: NaN/,
    );
    assert.equal(difference({ name: 'b', actual: [1.00005], expected: [1] }), null);
  });
});

/** A model that was not measured before. */
function tinyProxy(model: Glow): Pick<Glow, 'layers' | 'gradients'> {
  return {
    layers: model.layers,
    gradients: (images, noise, collector) => model.gradients(images, noise, collector),
  };
}

function gradientsAt(
  model: Glow,
  images: tf.Tensor,
  noise: tf.Tensor,
  name: string,
  position: number,
): void {
  const collector = gradientsOf(new Map([[name, [position]]]));
  try {
    model.gradients(images, noise, collector);
  } finally {
    collector.dispose();
  }
}
