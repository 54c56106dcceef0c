import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { startBackend, tf } from '../../src/backend/start';
import { squaredNorms } from '../../src/gradients/squared-norms';
import type { Model } from '../../src/models/model';
import { ordinaryModel } from '../../src/models/ordinary';
import { uniforms } from '../../src/numerics/random';
import { assertClose } from '../support/close';
import { looking } from '../support/looking';

const SOURCE = path.join(__dirname, '../../src/models/ordinary.ts');

/** Runs the example in the header of `ordinary.ts` as it stands there. */
function exampleOfTheDocs(): { realNvp: Model; variables: Record<string, tf.Variable> } {
  const fenced = /```ts\n([\s\S]*?) \* ```/.exec(readFileSync(SOURCE, 'utf8'))?.[1] as string;
  const code = fenced.replace(/^ \* ?/gm, '');
  const { outputText } = ts.transpileModule(`${code}\nexport { realNvp, variables };`, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const exported: Record<string, unknown> = {};
  const load = (name: string) => require(path.join(__dirname, '../..', name));
  new Function('require', 'exports', outputText)(load, exported);
  return exported as { realNvp: Model; variables: Record<string, tf.Variable> };
}

describe('your own model', () => {
  let realNvp: Model;
  let variables: Record<string, tf.Variable>;
  before(async () => {
    await startBackend();
    ({ realNvp, variables } = exampleOfTheDocs());
  });
  after(() => tf.dispose(Object.values(variables)));

  const pixels = () =>
    tf.tensor4d(
      uniforms(4, 6 * 16).map((u) => Math.floor(256 * u)),
      [6, 4, 4, 1],
    );

  it('the RealNVP in the docs gives norms of all its tensors that equal finite differences', () => {
    const [images, noise] = [pixels(), realNvp.noise([0, 1, 2, 3, 4, 5], 2)];
    const { norms, layers, logLikelihood } = squaredNorms(realNvp, images, noise, 2);
    assert.deepEqual(layers, ['first.hidden', 'first.out', 'second.hidden', 'second.out']);
    const value = () =>
      tf.tidy(() => realNvp.logLikelihood(images, noise).dataSync().slice()) as Float32Array;
    assertClose([{ name: 'log-likelihood', actual: logLikelihood, expected: value() }]);
    const expected = new Float64Array(norms.length);
    layers.forEach((name, j) => {
      const variable = variables[name] as tf.Variable;
      const own = variable.dataSync().slice() as Float32Array;
      const at = (k: number, by: number) => {
        tf.tidy(() =>
          variable.assign(
            tf.tensor(
              own.map((w, i) => (i === k ? w + by : w)),
              variable.shape,
            ),
          ),
        );
        return value();
      };
      for (let k = 0; k < own.length; k++) {
        const [up, down] = [at(k, 0.01), at(k, -0.01)];
        for (let g = 0; g < 3; g++) {
          const slope = [0, 1].reduce(
            (sum, b) => sum + ((up[2 * g + b] as number) - (down[2 * g + b] as number)) / 0.02,
            0,
          );
          const cell = g * layers.length + j;
          expected[cell] = (expected[cell] as number) + slope ** 2;
        }
      }
      at(-1, 0);
    });
    assertClose([{ name: 'norms', actual: norms, expected }], { relative: 0.01, ofLargest: 1e-3 });
    tf.dispose([images, noise]);
  });

  it('its gradient with respect to an image is the slope of its log-likelihood along a pixel', () => {
    const [images, noise] = [pixels(), realNvp.noise([0, 1, 2, 3, 4, 5], 2)];
    const gradient = tf.tidy(() =>
      realNvp.imageGradient(images, noise).dataSync().slice(),
    ) as Float32Array;
    const slopes = Float64Array.from({ length: 6 }, (_, n) => {
      const value = (by: number) =>
        tf.tidy(() => {
          const moved = images
            .dataSync()
            .map((pixel, k) => (k === n * 16 + 3 ? pixel + by : pixel));
          return realNvp.logLikelihood(tf.tensor4d(moved, [6, 4, 4, 1]), noise).dataSync()[
            n
          ] as number;
        });
      return (value(8) - value(-8)) / 16;
    });
    assertClose(
      [
        {
          name: 'slope of one pixel',
          actual: slopes.map((_, n) => gradient[n * 16 + 3] as number),
          expected: slopes,
        },
      ],
      {
        relative: 0.02,
        absolute: 2e-4,
      },
    );
    tf.dispose([images, noise]);
  });

  it('says what is wrong with a function that is not a log-likelihood, and leaves no tensor behind', () => {
    const images = pixels();
    const make = (logLikelihood: (x: tf.Tensor) => tf.Tensor) =>
      ordinaryModel({ family: 'own', imageShape: [4, 4, 1], variables, logLikelihood });
    const scalar = make((x) => tf.sum(x));
    const noise = scalar.noise([0, 1, 2, 3, 4, 5], 1);
    const held = tf.memory().numTensors;
    assert.throws(
      () => scalar.logLikelihood(images, noise),
      /log-likelihood of 6 images has shape \[\]; return one number an image, \[6\]/,
    );
    assert.throws(
      () =>
        scalar.gradients(
          images,
          noise,
          looking(() => {}),
        ),
      /return one number an image/,
    );
    assert.throws(
      () =>
        make((x) => tf.sum(x, [1, 2, 3])).gradients(
          images,
          noise,
          looking(() => {}),
        ),
      /does not depend on any layer/,
    );
    assert.throws(
      () =>
        realNvp.gradients(
          tf.zeros([1, 2, 2, 1]),
          noise,
          looking(() => {}),
        ),
      /images have shape \[1, 2, 2, 1\]/,
    );
    assert.throws(() => realNvp.sample(1, 1), /cannot be sampled/);
    assert.throws(
      () =>
        ordinaryModel({
          family: 'own',
          imageShape: [4, 4, 1],
          variables: {},
          logLikelihood: (x) => x,
        }),
      /has no variables/,
    );
    assert.equal(tf.memory().numTensors, held + 1); // the images of a wrong shape
    tf.dispose([images, noise]);
  });

  it('is refused if an image depends on other images, a number is not finite, or a variable is not used', () => {
    const images = pixels();
    const noise = tf.zeros([6]);
    const weights = tf.variable(tf.ones([16, 3]));
    const other = tf.variable(tf.ones([2]));
    const held = tf.memory().numTensors;
    const outputs = (x: tf.Tensor) =>
      tf.matMul(tf.reshape(tf.div(x, 255), [-1, 16]), weights as unknown as tf.Tensor2D); // [N, 3]
    const make = (f: (x: tf.Tensor) => tf.Tensor, more: Record<string, tf.Variable> = {}) =>
      ordinaryModel({
        family: 'own',
        imageShape: [4, 4, 1],
        variables: { weights, ...more },
        logLikelihood: f,
      });
    const normalised = make((x) => {
      const { mean, variance } = tf.moments(outputs(x), 0);
      const z = tf.div(tf.sub(outputs(x), mean), tf.sqrt(tf.add(variance, 1e-3)));
      return tf.neg(tf.sum(tf.square(tf.add(z, 1)), 1)); // [N]
    });
    const plain = (x: tf.Tensor) => tf.neg(tf.sum(tf.square(outputs(x)), 1)); // [N]
    const see = (model: Model) =>
      tf.dispose(
        model.gradients(
          images,
          noise,
          looking(() => {}),
        ),
      );
    assert.throws(() => see(normalised), /depends on its company: -3 alone/);
    assert.throws(() => normalised.logLikelihood(images, noise), /depends on its company/);
    assert.throws(() => see(make((x) => tf.log(plain(x)))), /the log-likelihood NaN/);
    assert.throws(() => see(make(plain, { other })), /does not depend on other;/);
    const tied = make(plain, { again: weights });
    see(tied);
    assert.deepEqual(
      tied.layers.map(({ name }) => name),
      ['weights = again'],
    );
    assert.equal(tf.memory().numTensors, held);
    tf.dispose([images, noise, weights, other]);
  });
});
