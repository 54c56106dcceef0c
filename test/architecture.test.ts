import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(__dirname, '..');
const SRC = path.join(ROOT, 'src');

const under = (folder: string) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mjs|cjs|js)$/.test(file))
    .map((file) => path.join(folder, file));
const sources = under('src');
const text = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

/** The room of a file of `src`; the front door itself has none. */
const roomOf = (file: string) => /^src\/([^/]+)\//.exec(file.replaceAll('\\', '/'))?.[1];

/** The rooms as CONTRIBUTING.md draws them, bottom first. */
const rooms = [...text('CONTRIBUTING.md').matchAll(/^\| `([a-z]+)` \|/gm)].map(([, room]) => room);

/** Imports between rooms, `from → to`, with the files that make them. */
function importsBetweenRooms(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of sources.filter((name) => name.endsWith('.ts'))) {
    const from = roomOf(file);
    for (const { fileName } of ts.preProcessFile(text(file)).importedFiles) {
      if (!fileName.startsWith('.')) continue;
      const target = path.relative(
        ROOT,
        path.resolve(path.dirname(path.join(ROOT, file)), fileName),
      );
      const to = roomOf(target);
      if (from === undefined || to === undefined || from === to) continue;
      const edge = `${from} → ${to}`;
      found.set(edge, [...(found.get(edge) ?? []), file]);
    }
  }
  return found;
}

describe('the architecture of src', () => {
  const edges = importsBetweenRooms();

  it('has the rooms that CONTRIBUTING.md draws, and no others', () => {
    const built = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.deepEqual([...rooms].sort(), built.map(({ name }) => name).sort());
  });

  it('has rooms that import only from rooms above them in the table, so there is no cycle', () => {
    const wrong = [...edges].filter(([edge]) => {
      const [from, to] = edge.split(' → ');
      return rooms.indexOf(from as string) <= rooms.indexOf(to as string);
    });
    assert.deepEqual(wrong, []);
  });

  it('has fewer than 41 arrows between its rooms', () => {
    assert.ok(edges.size < 41, `${edges.size} arrows: ${[...edges.keys()].sort().join(', ')}`);
  });

  it('names files in kebab-case, and never two files the same', () => {
    const names = sources.map((file) => path.basename(file).replace(/\..*$/, ''));
    assert.deepEqual(
      names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)),
      [],
    );
    // Commands are files of `cli`, named as they are typed; every room has an index.
    const ideas = sources
      .filter((file) => roomOf(file) !== 'cli' && path.basename(file) !== 'index.ts')
      .map((file) => path.basename(file).replace(/\..*$/, ''));
    assert.deepEqual(
      ideas.filter((name, k) => ideas.indexOf(name) !== k),
      [],
    );
  });

  it('opens every file with its idea', () => {
    const silent = sources.filter((file) => !/^(#!.*\n)?\/\*\*\n \* # \S/.test(text(file)));
    assert.deepEqual(silent, []);
  });

  it('keeps comments within 100 columns', () => {
    const wide = [...sources, ...under('test')]
      .filter((file) => !file.includes('golden'))
      .flatMap((file) => {
        const lines = text(file).split('\n');
        return commentLines(text(file))
          .filter((line) => [...(lines[line] as string)].length > 100)
          .map((line) => `${file}:${line + 1}`);
      });
    assert.deepEqual(wide, []);
  });
});

/** The lines of a file on which a comment stands, counted from 0. */
function commentLines(source: string): number[] {
  const file = ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest);
  const lines = new Set<number>();
  const visited = new Set<number>();
  const note = (ranges: readonly ts.CommentRange[] | undefined) => {
    for (const { pos, end } of ranges ?? []) {
      if (visited.has(pos)) continue;
      visited.add(pos);
      const from = file.getLineAndCharacterOfPosition(pos).line;
      const to = file.getLineAndCharacterOfPosition(end).line;
      for (let line = from; line <= to; line++) lines.add(line);
    }
  };
  const visit = (node: ts.Node): void => {
    note(ts.getLeadingCommentRanges(source, node.getFullStart()));
    note(ts.getTrailingCommentRanges(source, node.getEnd()));
    for (const child of node.getChildren(file)) visit(child);
  };
  visit(file);
  return [...lines].sort((a, b) => a - b);
}
