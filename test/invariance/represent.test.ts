import assert from 'node:assert/strict';
import { startBackend, tf } from '../../src/backend/start';
import { FisherlabError } from '../../src/errors';
import { setLayer } from '../../src/gradients/layer';
import {
  affine,
  cielab,
  compareGradients,
  compose,
  dequantised,
  Field,
  flip,
  gamma,
  hsl,
  hsv,
  logit,
  orthogonal,
  type Representation,
  represent,
  spaceToDepth,
  toLattice,
  ycbcr,
} from '../../src/invariance/index';
import { Glow } from '../../src/models/glow/glow';
import type { ImageShape } from '../../src/models/model';
import { normalAt, uniformAt, uniforms } from '../../src/numerics/random';
import { looking } from '../support/looking';
import { inside, maps, shape as smallShape, size as smallSize } from './maps';

const shape: ImageShape = [8, 8, 3];
const size = 192;
const N = 4;
const indices = [0, 1, 2, 3];

/** A Glow of random weights: 2 levels of 2 steps. */
function randomGlow(): Glow {
  const model = new Glow({ family: 'glow', imageShape: shape, K: 2, L: 2, hidden: 8, seed: 5 });
  model.layers.forEach((layer, k) => {
    const count = layer.variable.size;
    setLayer(
      layer,
      uniforms(100 + k, count).map((u) => 0.1 * (2 * u - 1)),
    );
  });
  return model;
}

/** Images of which the third is grey and the fourth black but for a dark corner. */
function eightBit(): tf.Tensor {
  const values = Float32Array.from({ length: N * size }, (_, i) => {
    const image = Math.floor(i / size);
    if (image === 2) return Math.floor(256 * uniformAt(2, Math.floor(i / 3)));
    return image === 3 ? (i % size < 30 ? i % 7 : 0) : Math.floor(256 * uniformAt(1, i));
  });
  return tf.tensor4d(values, [N, ...shape]);
}

const throughMaps: Representation[] = [
  compose(),
  hsv,
  hsl,
  ycbcr,
  cielab,
  logit(),
  gamma(2.2),
  affine(-3, 0.5),
  orthogonal(shape, 7),
  spaceToDepth(shape),
  compose(hsv, logit(0.01), orthogonal(shape, 8), spaceToDepth(shape)),
  flip(shape, uniforms(3, size), uniforms(4, size), 40),
];

describe('a model seen through a representation', () => {
  before(startBackend);

  for (const T of throughMaps) {
    it(`${T.name}: gradients of every tensor are the model's to 1e-4, the likelihood differs by the log-determinant`, () => {
      const model = randomGlow();
      const seen = represent(model, T);
      tf.tidy(() => {
        const images = eightBit();
        const [y, noise] = [seen.points(images, indices, 9), seen.noise(indices, 9)];
        const pixels = dequantised(images, indices, 9).mul(256);
        const [differences = []] = compareGradients(
          { model, images: pixels, noise },
          { model: seen, images: y, noise },
        );
        assert.equal(differences.length, model.layers.length);
        for (const { layer, relative } of differences)
          assert.ok(relative <= 1e-4, `${layer.name}: ${relative}`);

        const x = dequantised(images, indices, 9).arraySync() as number[][][][];
        const change = tf
          .sub(model.logLikelihood(pixels, noise), seen.logLikelihood(y, noise))
          .dataSync();
        x.forEach((image, n) => {
          const logDet = T.logAbsDetJacobian(
            new Field(Float64Array.from(image.flat(2)), [1, ...shape]),
          ).values[0] as number;
          assert.ok(
            Math.abs((change[n] as number) - logDet) < 1e-4 * Math.max(size, Math.abs(logDet)),
            `${change[n]} is not ${logDet}`,
          );
        });
      });
    });

    it(`${T.name}: on the lattice the gradients are the model's to the last bit`, () => {
      const model = randomGlow();
      const seen = represent(model, T, { lattice: true });
      tf.tidy(() => {
        const images = eightBit();
        const [y, noise] = [seen.points(images, indices, 9), seen.noise(indices, 9)];
        const pixels = dequantised(images, indices, 9).mul(256);
        const [differences = []] = compareGradients(
          { model, images: pixels, noise },
          { model: seen, images: y, noise },
        );
        const worst = Math.max(...differences.map(({ relative }) => relative));
        assert.ok(worst === 0, `${worst}`);
        assert.deepEqual(seen.pixels(y).dataSync(), pixels.dataSync());
      });
    });
  }

  it('the comparison notices a different gradient', () => {
    const model = randomGlow();
    tf.tidy(() => {
      const seen = represent(model, hsv);
      const [y, noise] = [seen.points(eightBit(), indices, 9), seen.noise(indices, 9)];
      const other = seen.points(eightBit(), indices, 10);
      const [differences = []] = compareGradients(
        { model: seen, images: y, noise },
        { model: seen, images: other, noise },
      );
      assert.ok(
        differences.filter(({ relative }) => relative > 1e-4).length >
          0.9 * model.layers.length - 3,
      );
    });
  });

  it('the lattice keeps every value in its 8-bit cell, and no grey pixel grey', () => {
    tf.tidy(() => {
      const images = eightBit();
      const x = dequantised(images, indices, 9);
      assert.deepEqual(tf.floor(x.mul(256)).dataSync(), images.dataSync());
      assert.deepEqual(toLattice(x.add(2.9e-5)).dataSync(), x.dataSync());
      assert.ok((tf.min(tf.sub(tf.max(x, 3), tf.min(x, 3))).dataSync()[0] as number) > 0);
    });
  });

  it('the gradient with respect to y is that of finite differences', () => {
    const model = randomGlow();
    // Strong colours: near grey, hue turns within any step that float32 can resolve.
    const colours = Float32Array.from({ length: size }, (_, i) =>
      Math.round(40 + 80 * ((i + Math.floor(i / 24)) % 3) + 30 * uniformAt(8, i)),
    );
    for (const T of [
      hsv,
      compose(logit(), orthogonal(shape, 3)),
      flip(shape, uniforms(3, size), uniforms(4, size), 40),
    ]) {
      const seen = represent(model, T);
      tf.tidy(() => {
        const y = seen.points(tf.tensor4d(colours, [1, ...shape]), [0], 1);
        const noise = seen.noise([0], 1);
        const gradient = seen.imageGradient(y, noise);
        const norm = tf.norm(gradient).dataSync()[0] as number;
        // Along the gradient itself: the largest signal a float32 difference can have.
        const direction = gradient.div(norm);
        const h = 0.01;
        const at = (step: number) =>
          seen.logLikelihood(y.add(direction.mul(step)), noise).dataSync()[0] as number;
        const slope = (at(h) - at(-h)) / (2 * h);
        assert.ok(Math.abs(slope / norm - 1) < 0.01, `${T.name}: ${slope} against ${norm}`);
      });
    }
  });

  it('a tiny model in float64 has the same gradients in every representation to 1e-10, by dual numbers', () => {
    // Half of the values are Gaussian, the other half Gaussian about a mean that depends on the
    // first: 3·size/2 + size parameters.
    const half = smallSize / 2;
    const logDensity = (x: Field, theta: Field): Field => {
      const [mean, logScale, weight] = theta.split(3, 1) as [Field, Field, Field]; // [1, size] each
      const flat = x.reshape([1, smallSize]);
      const [first, second] = flat.split(2, 1) as [Field, Field];
      const centred = first
        .concat([second.sub((weight.split(2, 1)[0] as Field).mul(first.exp()))], 1)
        .sub(mean);
      const z = centred.div(logScale.exp());
      return z.mul(z).div(-2).sub(logScale).sum([1]); // [1]
    };
    const theta = Float64Array.from({ length: 3 * smallSize }, (_, i) => 0.3 * normalAt(6, i));
    const gradient = (logP: (theta: Field) => Field) =>
      theta.map((_, i) => {
        const direction = new Float64Array(theta.length);
        direction[i] = 1;
        return logP(new Field(theta, [1, theta.length], direction)).tangents[0] as number;
      });
    const x = new Field(inside(51), [1, ...smallShape]);
    const plain = gradient((t) => logDensity(x, t));
    const norm = Math.hypot(...plain);
    assert.ok(plain.subarray(0, 2 * smallSize + half).every((g) => g !== 0));
    for (const T of maps) {
      const y = T.forward(x);
      const through = gradient((t) => {
        const back = T.inverse(y);
        return logDensity(back, t).sub(T.logAbsDetJacobian(back));
      });
      assert.ok(
        Math.hypot(...through.map((g, i) => g - (plain[i] as number))) <= 1e-10 * norm,
        T.name,
      );
    }
  });

  it('flip reverses the order of two images, for a model and a pair it ranks', () => {
    const model = randomGlow();
    tf.tidy(() => {
      const images = eightBit();
      const points = dequantised(images, indices, 9);
      const logP = model.logLikelihood(points.mul(256), tf.zerosLike(points)).dataSync();
      const x = points.unstack();
      const [best, worst] = (logP[0] as number) > (logP[3] as number) ? [0, 3] : [3, 0];
      const gap = (logP[best] as number) - (logP[worst] as number);
      assert.ok(gap > 1);
      const seen = represent(
        model,
        flip(shape, (x[best] as tf.Tensor).dataSync(), (x[worst] as tf.Tensor).dataSync(), gap),
      );
      const after = seen
        .logLikelihood(seen.points(images, indices, 9), seen.noise(indices, 9))
        .dataSync();
      const newGap = (after[best] as number) - (after[worst] as number);
      assert.ok(newGap < -0.8 * gap && newGap > -1.2 * gap, `${gap} became ${newGap}`);
    });
  });

  it('samples are the model’s samples in the other space', () => {
    const model = randomGlow();
    const seen = represent(model, ycbcr);
    tf.tidy(() => {
      const expected = ycbcr.forward<tf.Tensor>(dequantised(model.sample(2, 3), [0, 1], 3));
      assert.ok(tf.max(tf.abs(tf.sub(seen.sample(2, 3), expected))).dataSync()[0] === 0);
    });
  });

  it('points outside the domain and of another shape are refused', () => {
    const seen = represent(randomGlow(), hsv);
    tf.tidy(() => {
      assert.throws(
        () => seen.logLikelihood(tf.zeros([1, ...shape]), seen.noise([0], 1)),
        FisherlabError,
      );
      assert.throws(
        () => seen.logLikelihood(tf.zeros([1, 4, 4, 3]), seen.noise([0], 1)),
        FisherlabError,
      );
    });
    assert.deepEqual(represent(randomGlow(), spaceToDepth(shape)).imageShape, [4, 4, 12]);
  });

  it('no tensor is left behind', () => {
    const model = randomGlow();
    const images = eightBit();
    const before = tf.memory().numTensors;
    const seen = represent(model, hsv);
    const [y, noise] = [seen.points(images, indices, 9), seen.noise(indices, 9)];
    const results = [
      seen.logLikelihood(y, noise),
      seen.gradients(
        y,
        noise,
        looking(() => {}),
      ),
      seen.imageGradient(y, noise),
      seen.sample(1, 1),
    ];
    assert.equal(tf.memory().numTensors, before + 6);
    tf.dispose([y, noise, ...results]);
  });
});
