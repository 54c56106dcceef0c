import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const NAME = /(?:eq|prop|alg):[a-z-]+/g;

/** What `docs/equations.md` says of each name. */
interface Entry {
  readonly name: string;
  readonly target: string;
  readonly functions: readonly { name: string; file: string }[];
  readonly definedIn: string;
  readonly notebooks: readonly { file: string; heading: string }[];
  readonly tests: readonly { file: string; title: string }[];
}

function entries(): Entry[] {
  const sections = read('docs/equations.md')
    .split(/^(?=\([a-z-]+\)=$)/m)
    .slice(1);
  return sections.map((text) => {
    const [, target = ''] = /^\(([a-z-]+)\)=/.exec(text) ?? [];
    const [, name = ''] = /^### (\S+)$/m.exec(text) ?? [];
    const links = (line: RegExp) =>
      [...text.matchAll(line)].map(([, first = '', second = '']) => [first, second] as const);
    const functions = links(/^- function: `(\w+)` in \[.*?\]\(\.\.\/(.+?)\)$/gm);
    const [defined] = links(/^- defined: \[.*?\]\(\.\.\/(.+?)\)$/gm);
    return {
      name,
      target,
      functions: functions.map(([name, file]) => ({ name, file })),
      definedIn: defined?.[0] ?? functions[0]?.[1] ?? '',
      notebooks: links(/^- notebook: \[.*?\]\(\.\.\/(.+?)\), "(.+)"$/gm).map(([file, heading]) => ({
        file,
        heading,
      })),
      tests: links(/^- test: \[.*?\]\(\.\.\/(.+?)\), "(.+)"$/gm).map(([file, title]) => ({
        file,
        title,
      })),
    };
  });
}

/** Every name in the sources, with the file; a definition stands in brackets. */
function inSources(pattern: RegExp): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((each) => each.endsWith('.ts')))
    for (const [match] of read(path.join('src', file)).matchAll(pattern)) {
      const name = match.replace(/[()]/g, '');
      found.set(name, [...(found.get(name) ?? []), `src/${file.replaceAll(path.sep, '/')}`]);
    }
  return found;
}

describe('named equations', () => {
  const all = entries();

  it('are each in one module, and all on the page, which has no others', () => {
    const defined = inSources(/\((?:eq|prop|alg):[a-z-]+\)/g);
    assert.ok(all.length > 20);
    assert.deepEqual([...defined.keys()].sort(), all.map(({ name }) => name).sort());
    for (const { name, definedIn } of all) assert.deepEqual(defined.get(name), [definedIn], name);
  });

  it('are mentioned nowhere unless they exist', () => {
    const names = new Set(all.map(({ name }) => name));
    const notebooks = readdirSync(path.join(root, 'notebooks'))
      .filter((file) => file.endsWith('.ipynb'))
      .flatMap((file) => {
        const { cells } = JSON.parse(read(path.join('notebooks', file))) as {
          cells: { source: string[] }[];
        };
        return cells.flatMap(({ source }) => source.join('').match(NAME) ?? []);
      });
    const pages = readdirSync(path.join(root, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) => read(path.join('docs', file)).match(NAME) ?? []);
    const used = [...inSources(NAME).keys(), ...notebooks, ...pages];
    assert.deepEqual(
      used.filter((name) => !names.has(name)),
      [],
    );
  });

  for (const { name, target, functions, notebooks, tests } of all) {
    it(`${name} leads to a function, a notebook and a test that exist`, () => {
      assert.equal(target, name.replace(':', '-'));
      assert.deepEqual([functions.length, notebooks.length, tests.length], [1, 1, 1]);
      for (const { name, file } of functions)
        assert.match(
          read(file),
          new RegExp(`^export (async )?(function|const|class) ${name}\\b`, 'm'),
        );
      for (const { file, heading } of notebooks) {
        const { cells } = JSON.parse(read(file)) as {
          cells: { cell_type: string; source: string[] }[];
        };
        const headings = cells
          .filter(({ cell_type }) => cell_type === 'markdown')
          .flatMap(({ source }) => source.join('').match(/^#+ .+$/gm) ?? [])
          .map((line) => line.replace(/^#+ /, ''));
        assert.ok(headings.includes(heading), `${file} has no '${heading}'`);
      }
      for (const { file, title } of tests) {
        const titles = [...read(file).matchAll(/\bit\(\s*(['"`])(.*?)\1/gs)].map(
          ([, , each]) => each,
        );
        assert.ok(
          titles.some((each) => each?.includes(title)),
          `${file} has no test '${title}'`,
        );
      }
    });
  }
});
