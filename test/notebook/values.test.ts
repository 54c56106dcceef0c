import assert from 'node:assert/strict';
import { DataFrame, Series } from 'danfojs-node';
import { JSDOM } from 'jsdom';
import { PNG } from 'pngjs';
import { startBackend, tf } from '../../src/backend/index';
import { dataset } from '../../src/data/index';
import { disposeModel, loadModel } from '../../src/models/index';
import { bundleMetadata, richData, show, table } from '../../src/notebook/index';
import { histogram, toPng, toSvg } from '../../src/plots/index';

type Bundle = Record<string, string>;

const shown = async (value: unknown): Promise<Bundle> => {
  const bundle = await richData(value);
  assert.ok(bundle !== undefined, 'the value is left to Node');
  return bundle;
};
const textOf = async (value: unknown): Promise<string> => (await shown(value))['text/plain'] ?? '';

/** The facts of a text: what stands behind each name. */
const factsOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .slice(1)
      .map((line) => /^ {2}(.*?) {2,}(.*)$/.exec(line)?.slice(1) as [string, string]),
  );

const decoded = (bundle: Bundle): PNG =>
  PNG.sync.read(Buffer.from(bundle['image/png'] as string, 'base64'));

const FIGURE = histogram(
  [
    { name: 'mnist', values: [1, 2, 2, 3, 3, 3] },
    { name: 'svhn', values: [3, 4, 4, 5] },
  ],
  { x: 'bits/dim', title: 'Two <i>sets</i>' },
);

describe('what is shown', function () {
  this.timeout(60000);
  before(() => startBackend());

  describe('of a tensor', () => {
    it('is its shape, type, first values, range and memory', async () => {
      const tensor = tf.tensor2d([-2, 0.123456, 1, 3, 5, 7, 9, 11, 13, 15], [2, 5]);
      const text = await textOf(tensor);
      assert.match(text, /^Tensor \[2, 5\] float32\n/);
      assert.deepEqual(factsOf(text), {
        values: '-2, 0.1235, 1, 3, 5, 7, 9, 11, …',
        'min, mean, max': '-2, 6.212, 15',
        memory: '40 bytes',
      });
      tensor.dispose();
    });

    it('counts values that are not finite, and leaves them out of the range', async () => {
      const tensor = tf.tensor1d([1, Number.NaN, 3, Number.POSITIVE_INFINITY]);
      const facts = factsOf(await textOf(tensor));
      assert.equal(facts['min, mean, max'], '1, 2, 3');
      assert.equal(facts['not finite'], '2 of 4');
      tensor.dispose();
    });

    it('says that it is disposed, instead of failing', async () => {
      const tensor = tf.zeros([3]);
      tensor.dispose();
      assert.deepEqual(factsOf(await textOf(tensor)), { memory: 'none: it is disposed' });
    });

    it('works for variables, booleans, strings and empty tensors', async () => {
      const tensors = [tf.variable(tf.scalar(4)), tf.tensor1d([true, false]), tf.zeros([0, 2])];
      assert.match(await textOf(tensors[0]), /^Variable \[\] float32\n {2}values .* 4\n/);
      assert.equal(factsOf(await textOf(tensors[1])).memory, '2 bytes');
      assert.match(await textOf(tensors[2]), /^Tensor \[0, 2\] float32\n/);
      const words = tf.tensor1d(['a', 'b'], 'string');
      assert.deepEqual(factsOf(await textOf(words)), { values: 'a, b' });
      tf.dispose([...tensors, words]);
    });
  });

  it('leaves no tensor behind', async () => {
    const loaded = loadModel('vae-mnist');
    const before = tf.memory().numTensors;
    for (const value of [
      loaded,
      loaded.model,
      loaded.model.layers[0],
      loaded.model.layers[0]?.variable,
    ])
      await shown(value);
    assert.equal(tf.memory().numTensors, before);
    disposeModel(loaded.model);
  });

  describe('of a model', () => {
    it('is at most ten lines: family, sizes, layers, and the training recorded in the file', async () => {
      const loaded = loadModel('glow-fashion_mnist');
      const text = await textOf(loaded);
      assert.ok(text.split('\n').length <= 10, text);
      assert.match(text, /^glow-fashion_mnist: glow model\n/);
      const { layers } = loaded.model;
      const facts = factsOf(text);
      const parameters = layers.reduce((sum, layer) => sum + layer.variable.size, 0);
      assert.equal(facts.parameters, parameters.toLocaleString('en-US'));
      assert.ok(facts.layers?.startsWith(`${layers.length} tensors, ${layers[0]?.name} … `));
      assert.match(facts['trained on'] as string, /images of fashion_mnist/);
      const { test } = loaded.header;
      assert.ok(facts['bits/dim']?.endsWith(`${Number(test?.toPrecision(4))} test`));
      assert.match(facts.sizes as string, /K 8, L 3/);
      disposeModel(loaded.model);
      assert.equal(factsOf(await textOf(loaded.model)).memory, 'none: it is disposed');
    });
  });

  it('of a model trained elsewhere leaves out losses that were not measured', async () => {
    const loaded = loadModel('glow-fashion_mnist');
    const { test: _, ...header } = loaded.header;
    const measured = await textOf({ ...loaded, header });
    const text = await textOf({ ...loaded, header: { ...header, validation: null } });
    const lines = (all: string) => all.split('\n').filter((line) => !line.includes('bits/dim'));
    assert.match(measured, /^ *bits\/dim +2\.87 held out$/m);
    assert.deepEqual(lines(text), lines(measured));
    assert.doesNotMatch(text, /bits\/dim/);
    disposeModel(loaded.model);
  });

  describe('of a data set', () => {
    it('is its counts and a strip of its images, as a picture and inside the HTML', async () => {
      const set = await dataset('mnist', 'test', { limit: 30 });
      const bundle = await shown(set);
      const facts = factsOf(bundle['text/plain'] as string);
      assert.equal(facts.images, '30 of [32, 32, 1], 8 bits');
      assert.equal(facts.source, set.source);
      const { document } = new JSDOM(bundle['text/html']).window;
      const source = document.querySelector('img')?.getAttribute('src');
      assert.equal(source, `data:image/png;base64,${bundle['image/png']}`);

      // Somewhere in the strip is the first digit: the brightest pixel of its middle row.
      const { width, height, data } = decoded(bundle);
      const middle = Math.floor(height / 2);
      const row = Array.from({ length: width }, (_, x) => data[4 * (middle * width + x)] as number);
      assert.ok(row.includes(0) && row.some((value) => value > 200));
      assert.equal(set.images.length, 30 * 32 * 32);
    });

    it('tells how many images its classes have', async () => {
      const set = { name: 'own', images: new Uint8Array(4 * 4), count: 4, shape: [2, 2, 1] };
      const labelled = { ...set, labels: Uint8Array.of(0, 1, 1, 1) };
      assert.equal(factsOf(await textOf(labelled)).classes, '2, of 1 to 3 images each');
      assert.equal(factsOf(await textOf(set)).classes, undefined);
      assert.match(
        await textOf({ ...set, images: new Uint8Array(0), count: 0 }),
        /0 of \[2, 2, 1\]/,
      );
    });
  });

  describe('of tables', () => {
    const cellsOf = (html: string | undefined): string[][] =>
      [...new JSDOM(html).window.document.querySelectorAll('tr')].map((row) =>
        [...row.children].map((cell) => cell.textContent ?? ''),
      );

    it('is a danfojs frame with its columns and its first rows', async () => {
      const frame = new DataFrame(
        Array.from({ length: 50 }, (_, k) => ({ k, root: Math.sqrt(k) })),
      );
      const bundle = await shown(frame);
      const cells = cellsOf(bundle['text/html']);
      assert.deepEqual(cells[0], ['k', 'root']);
      assert.deepEqual(cells[3], ['2', '1.414']);
      assert.equal(cells.length, 21);
      assert.match(bundle['text/plain'] as string, /^50 rows, 2 columns, first 20 shown\n/);
      assert.deepEqual(cellsOf((await shown(new Series([1, 2])))['text/html']).slice(1), [
        ['1'],
        ['2'],
      ]);
    });

    it('is a feature table by its columns, with mean and deviation', async () => {
      const columns = [
        { feature: 'log-likelihood', values: Float64Array.of(1, 3) },
        ...Array.from({ length: 30 }, (_, k) => ({
          feature: 'squared-norm',
          layer: `layer ${k}`,
          size: 12,
          values: Float64Array.of(k, k),
        })),
      ];
      const bundle = await shown({ rows: 2, batchSize: 5, columns });
      const cells = cellsOf(bundle['text/html']);
      assert.deepEqual(cells[0], ['feature', 'layer', 'size', 'mean', 'deviation']);
      assert.deepEqual(cells[1], ['log-likelihood', '–', '–', '2', '1']);
      assert.match(
        bundle['text/plain'] as string,
        /^feature table: 2 batches of 5, 31 columns, first 20 shown\n/,
      );
      assert.match(await textOf({ rows: 0, batchSize: 1, columns: [] }), /0 columns$/);
    });

    it('is a shortened array with its range', async () => {
      const facts = factsOf(await textOf(Float64Array.from({ length: 5000 }, (_, k) => k)));
      assert.equal(facts['min, mean, max'], '0, 2500, 4999');
      assert.equal(facts.memory, '40.0 kB');
      assert.match(await textOf(Array.from({ length: 21 }, () => 1)), /^Array\(21\)\n/);
    });

    it('has nothing that Jupyter removes from notebooks that are not trusted', async () => {
      const set = await dataset('mnist', 'test', { limit: 1 });
      const allowed = /^(table|caption|thead|tbody|tr|th|td|img)$/;
      for (const value of [set, new DataFrame([{ a: '<b>' }]), tf.tidy(() => tf.scalar(1))]) {
        const html = (await shown(value))['text/html'];
        for (const element of new JSDOM(html).window.document.body.querySelectorAll('*')) {
          assert.match(element.tagName.toLowerCase(), allowed);
          for (const { name } of element.attributes) assert.match(name, /^(align|alt|width|src)$/);
        }
      }
    });
  });

  describe('of a figure', () => {
    it('is the figure as SVG and as a PNG of three pixels for two, and its title', async () => {
      const bundle = await shown(FIGURE);
      assert.equal(bundle['text/plain'], '[figure] Two sets');
      assert.equal(bundle['image/svg+xml'], await toSvg(FIGURE));
      const { width, height } = decoded(bundle);
      assert.deepEqual([width, height], [1080, 630]);
      assert.deepEqual(bundleMetadata(bundle), { 'image/png': { width: 720, height: 420 } });
    });

    it('has a palette, and still looks the same', async () => {
      const bundle = await shown(FIGURE);
      const bytes = Buffer.from(bundle['image/png'] as string, 'base64');
      assert.equal(bytes[25], 3); // the kind of colours in a PNG's header: a palette
      const full = PNG.sync.read(toPng(bundle['image/svg+xml'] as string, 1.5)).data;
      const few = decoded(bundle).data;
      const squares = few.reduce((sum, value, k) => sum + (value - (full[k] as number)) ** 2, 0);
      assert.ok(Math.sqrt(squares / few.length) < 2); // of 255: not to be seen
    });

    it('is the same each time, byte for byte', async () => {
      assert.deepEqual(await shown(FIGURE), await shown(structuredClone(FIGURE)));
    });

    it('goes out as one bundle with the size of its picture, tables with their text', async () => {
      const sent: [Bundle, object | undefined][] = [];
      const kernel = { display: (...given: [Bundle, object?]) => sent.push([given[0], given[1]]) };
      Object.assign(globalThis, { __fisherlabKernel: kernel });
      try {
        await show(FIGURE);
        table([{ set: 'mnist', auroc: 0.5 }]);
      } finally {
        Reflect.deleteProperty(globalThis, '__fisherlabKernel');
      }
      assert.deepEqual(sent[0], [
        await shown(FIGURE),
        { metadata: { 'image/png': { width: 720, height: 420 } } },
      ]);
      assert.deepEqual(Object.keys(sent[1]?.[0] ?? {}).sort(), ['text/html', 'text/plain']);
      assert.match(sent[1]?.[0]['text/plain'] ?? '', /MNIST +0\.500/);
    });
  });

  it('is left to Node for everything else', () => {
    const others = [
      1,
      'text',
      null,
      undefined,
      {},
      [],
      [1, 2, 3],
      new Map(),
      new Error('x'),
      () => 1,
    ];
    for (const value of others) assert.equal(richData(value), undefined);
  });
});
