import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DATA_SETS } from '../../src/data/index';
import { COMBINERS, DETECTORS } from '../../src/detectors/index';
import { FEATURES } from '../../src/features/registry';
import { cielab, hsl, hsv, ycbcr } from '../../src/invariance/index';
import { createLanguage, type Language } from '../../src/kernel/language';
import { LISTED } from '../../src/kernel/language-names';
import { createProgram } from '../../src/kernel/language-program';
import { shippedModels } from '../../src/models/index';
import { joined, readNotebook } from '../../src/notebook/ipynb';

const ROOT = path.resolve(__dirname, '../..');
const NOTEBOOKS = path.join(ROOT, 'notebooks');

const LOADED = [
  "import { models, data, detectors } from 'fisherlab';\nimport { imageGrid } from './src/plots/index';",
  "const { model } = models.loadModel('glow-mnist');\nconst digits = await data.dataset('mnist');",
];

describe('the language of cells', function () {
  this.timeout(120000);
  let language: Language;
  before(() => {
    language = createLanguage({ root: ROOT, folder: NOTEBOOKS });
  });

  /** What is offered at the `|` of a cell, and the cell with each of them in place. */
  const offered = (marked: string, cells: readonly string[] = LOADED): string[] => {
    const cursor = marked.indexOf('|');
    const code = marked.replace('|', '');
    const { matches, cursorStart, cursorEnd } = language.complete(code, cursor, cells);
    assert.equal(cursorEnd, cursor);
    for (const match of matches)
      assert.ok(match.toLowerCase().startsWith(code.slice(cursorStart, cursor).toLowerCase()));
    return matches;
  };
  const same = (found: readonly string[], expected: readonly string[]) =>
    assert.deepEqual([...found].sort(), [...expected].sort());
  const remarked = (code: string, cells: readonly string[] = []) =>
    language.remarks(code, cells).map(({ line, column, text }) => `${line}:${column} ${text}`);

  describe('completes', () => {
    it('the members of values of earlier cells, and nothing private', () => {
      const members = offered('model.|');
      for (const name of ['layers', 'logLikelihood', 'gradients', 'sample'])
        assert.ok(members.includes(name), `${name} is missing`);
      assert.ok(!members.includes('pass'));
      same(offered('const first = model.layers[0];\nfirst.va|'), ['variable']);
    });

    it('inside an unfinished cell', () => {
      assert.ok(
        offered('for (const layer of model.layers) {\n  tf.tidy(() => layer.na|').includes('name'),
      );
    });

    it('the keys of options', () => {
      same(offered('imageGrid(digits.images, [1, 32, 32, 1], { c| })'), [
        'caption',
        'captions',
        'columns',
      ]);
      same(offered("await data.dataset('mnist', 'test', { |"), ['limit']);
    });

    it('data sets, splits, detectors, combiners and models inside strings', () => {
      same(offered("data.dataset('|')"), DATA_SETS);
      same(offered("data.dataset('mnist', '|"), ['train', 'test']);
      same(offered('detectors.detector("|")'), Object.keys(DETECTORS));
      same(offered('detectors.combiner("|")'), Object.keys(COMBINERS));
      same(offered("models.loadModel('|')"), shippedModels());
      same(offered("import { experiments } from 'fisherlab';\nexperiments.setsFor('fash|"), [
        'fashion_mnist',
      ]);
    });

    it('the same in lists, in options, in comparisons and in functions of the notebook', () => {
      const helper = 'const pick = (method: string, out: string) => method + out;';
      same(offered("pick('typ|', 'mnist')", [...LOADED, helper]), ['typicality']);
      same(offered("pick('typicality', 'omn|", [...LOADED, helper]), ['omniglot']);
      const room = "import { experiments } from 'fisherlab';\n";
      same(offered(`${room}experiments.modelResults(null, { sets: ['mnist', 'kmn|'] })`), [
        'kmnist',
      ]);
      same(
        offered(
          "import { Column } from './src/detectors/table';\nlet c: Column;\nc.feature === 'one|'",
        ),
        ['one-norm'],
      );
      same(offered("import { invariance } from 'fisherlab';\ninvariance.hsv.name === '|'"), [
        ...LISTED.representation,
      ]);
    });

    it('names with an apostrophe so that the string stays whole', () => {
      same(offered("detectors.detector('Fisher|')"), ["Fisher\\'s method"]);
      same(offered('detectors.detector("Fisher|")'), ["Fisher's method"]);
    });

    it('import paths, rooms, names of a room and packages of the project', () => {
      assert.ok(offered("import { bars } from './src/pl|'").includes('plots'));
      assert.ok(offered("import { bars } from './src/plots/hist|'").includes('histogram'));
      same(offered("import x from 'fish|'"), ['fisherlab']);
      same(offered("import { descr| } from './src/data/index'"), ['describe', 'descriptionText']);
      assert.ok(offered("import { | } from 'fisherlab'").includes('detectors'));
      assert.ok(offered("import x from 'danf|'").includes('danfojs-node'));
      same(
        offered("import x from '|'").filter((name) => /^(jsdom-|mocha|yargs)/.test(name)),
        [],
      );
    });

    it('only names of the notebook, until something is typed', () => {
      same(offered('|'), ['models', 'data', 'detectors', 'imageGrid', 'model', 'digits']);
      assert.ok(offered('Float3|').includes('Float32Array'));
      same(offered('docu|'), []); // of the browser
      same(offered('HTMLE|'), []);
    });
  });

  describe('knows the cells that were executed', () => {
    it('so that the last declaration of a name is the one that counts', () => {
      const cells = ['const n = 1;', 'const m = n;', "const n = 'word';"];
      assert.ok(offered('n.|', cells).includes('toUpperCase'));
      assert.ok(offered('m.|', cells).includes('toFixed'));
      assert.ok(offered('n.|', [...cells, cells[0] as string]).includes('toFixed'));
    });

    it('and the cell itself may declare all of it again', () => {
      assert.deepEqual(remarked('const n = 1;\nn.toFixed();', ["const n = 'word';"]), []);
      assert.deepEqual(remarked(LOADED[0] as string, LOADED), []);
    });

    it('with functions, classes, types, destructured names and awaited values', () => {
      const cells = [
        'class Pair { left = 1 }\ninterface Shape { sides: number }\nfunction twice(x: number) { return 2 * x }',
        'const { a: [first], ...others } = await Promise.resolve({ a: [new Pair()], b: 1 });',
        "import * as os from 'node:os';\nexport const exported = 3;\nenum Colour { red }",
      ];
      same(offered('first.|', cells), ['left']);
      same(offered('others.|', cells), ['b']);
      same(offered('const s: Shape = { | }', cells), ['sides']);
      assert.ok(offered('twice(1).|', cells).includes('toFixed'));
      assert.ok(offered('os.cp|', cells).includes('cpus'));
      assert.ok(offered('exported.|', cells).includes('toFixed'));
      same(offered('Colour.|', cells), ['red']);
    });

    it('and what was put into an initially empty list', () => {
      const cells = ['const rows = [];\nrows.push({ auroc: 0.5 });\nlet best;\nbest = rows[0];'];
      same(offered('rows[0].|', cells), ['auroc']);
      same(offered('best.|', cells), ['auroc']);
    });

    it('however often one of them was executed', () => {
      const cells = Array.from({ length: 500 }, (_, k) => `let counter = ${k};\ncounter++;`);
      assert.ok(offered('counter.|', cells).includes('toFixed'));
    });
  });

  describe('explains', () => {
    const explained = (marked: string, detail = 0, cells: readonly string[] = LOADED) =>
      language.inspect(marked.replace('|', ''), marked.indexOf('|'), detail, cells);

    it('a function with its signature and its comment, as text and as Markdown', () => {
      const { found, data } = explained("data.data|set('mnist')");
      assert.ok(found);
      assert.match(data['text/plain'] as string, /dataset\(name: string, split\?: string/);
      assert.match(data['text/plain'] as string, /The first `limit` images/);
      assert.match(data['text/markdown'] as string, /^```typescript\n/);
    });

    it('a name at its end, and the call around the cursor', () => {
      assert.equal(explained('digits|').data['text/plain'], 'const digits: data.Dataset');
      assert.match(explained('imageGrid(|').data['text/plain'] as string, /imageGrid\(pixels: /);
      assert.match(explained('imageGrid([1], |').data['text/plain'] as string, /@param shape/);
    });

    it('where it is defined, with its source, when asked for more', () => {
      const { data } = explained('imageGr|id', 1);
      assert.match(
        data['text/plain'] as string,
        /src\/plots\/image-grid\.ts:\d+\nexport function imageGrid/,
      );
      assert.match(explained('mod|el', 1).data['text/plain'] as string, /a cell of this notebook/);
      assert.doesNotMatch(explained('imageGr|id').data['text/plain'] as string, /image-grid/);
    });

    it('nothing at an empty place', () => {
      assert.deepEqual(explained(' | '), { found: false, data: {} });
    });
  });

  describe('remarks', () => {
    it('on type errors of the cell, by line and column', () => {
      assert.deepEqual(remarked('const n = 1;\n  n.toUpperCase();'), [
        "2:5 Property 'toUpperCase' does not exist on type '1'.",
      ]);
      assert.deepEqual(remarked('data.dataset(3)', LOADED), [
        "1:14 Argument of type 'number' is not assignable to parameter of type 'string'.",
      ]);
      assert.equal(remarked("import { nothing } from './src/data/index'").length, 1);
    });

    it('on nothing that a notebook may do', () => {
      const before = ['let n: number | string = 1;\nlet unused = 2;'];
      assert.deepEqual(
        remarked(
          [
            'const n = await Promise.resolve(2);',
            'const f = (x, { y }) => x[y];',
            'for await (const each of [1]) console.log(each);',
            'const rows = [];\nrows.push(f(1, { y: n }));',
            'const found = [1, 2].find((k) => k > 1);\nfound.toFixed();',
            'export const shown = [1, 2].toSorted();',
          ].join('\n'),
          before,
        ),
        [],
      );
      assert.deepEqual(remarked('unused = 3;', before), []);
    });

    it('not on a cell that does not parse, because running it says so', () => {
      assert.deepEqual(remarked('const = ;'), []);
    });

    for (const file of readdirSync(NOTEBOOKS).filter((name) => name.endsWith('.ipynb'))) {
      it(`on no cell of ${file}`, () => {
        const { cells } = readNotebook(path.join(NOTEBOOKS, file));
        const code = cells.filter((cell) => cell.cell_type === 'code');
        const sources = code.map(({ source }) => joined(source));
        const found = sources.flatMap((source, k) => remarked(source, sources.slice(0, k)));
        assert.deepEqual(found, []);
      });
    }
  });

  it("lists the program's own features and representations", () => {
    same(LISTED.feature, ['log-likelihood', ...FEATURES.map(({ name }) => name)]);
    same(
      LISTED.representation,
      [hsv, hsl, cielab, ycbcr].map(({ name }) => name),
    );
  });

  it('checks nothing again until something changes', () => {
    smallClone((root, write) => {
      const folder = path.join(root, 'mine');
      const program = createProgram(root, folder, new Map());
      const asked = (code: string) => program.about(code, []).service.getProgram();
      const first = asked("import { thing } from 'fisherlab';");
      assert.equal(asked("import { thing } from 'fisherlab';"), first);
      write('src/thing.ts', 'export const thing = { first: 1, second: 2 };');
      assert.notEqual(asked("import { thing } from 'fisherlab';"), first);
      const other = asked("import { thing } from './other';");
      assert.notEqual(asked("import { thing } from './other';"), other, 'it may have come');
    });
  });

  it('sees a file of the clone as it is now', () => {
    smallClone((root, write) => {
      const small = createLanguage({ root, folder: path.join(root, 'mine') });
      const members = (from: string) => {
        const code = `import { thing } from '${from}';\nthing.`;
        return small.complete(code, code.length, []).matches;
      };
      assert.deepEqual(members('fisherlab'), ['first']);
      write('src/thing.ts', 'export const thing = { first: 1, second: 2 };');
      assert.deepEqual(members('fisherlab'), ['first', 'second']);
      assert.deepEqual(members('./src/thing'), ['first', 'second']);
      assert.deepEqual(members('./src/new'), []);
      write('src/new.ts', 'export const thing = { third: 3 };');
      assert.deepEqual(members('./src/new'), ['third']);

      // Two ways to one file are one class.
      write('src/new.ts', 'export class Kept { private secret = 1; }');
      write('src/index.ts', "export { Kept } from './new';");
      const both =
        "import { Kept } from 'fisherlab';\nimport * as link from './src/new';\n" +
        'const kept: Kept = new link.Kept();';
      assert.deepEqual(small.remarks(both, []), []);
    });
  });
});

/** Two files of source, and a folder beside them that is linked to them as `notebooks` is. */
function smallClone(use: (root: string, write: (file: string, text: string) => void) => void) {
  const root = mkdtempSync(path.join(tmpdir(), 'fisherlab-clone-'));
  try {
    const write = (file: string, text: string) => writeFileSync(path.join(root, file), text);
    mkdirSync(path.join(root, 'src'));
    mkdirSync(path.join(root, 'mine'));
    symlinkSync('../src', path.join(root, 'mine', 'src'));
    write('package.json', '{}');
    write('src/index.ts', "export { thing } from './thing';");
    write('src/thing.ts', 'export const thing = { first: 1 };');
    use(root, write);
  } finally {
    rmSync(root, { recursive: true });
  }
}
