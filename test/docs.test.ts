import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..');
const FOLDER = path.join(ROOT, 'out', 'test-docs');
const TSX = path.join(ROOT, 'node_modules', 'tsx', 'dist', 'cli.mjs');

/** The TypeScript examples of the pages, by page. */
const examples = readdirSync(path.join(ROOT, 'docs'))
  .filter((file) => file.endsWith('.md'))
  .flatMap((file) =>
    [
      ...readFileSync(path.join(ROOT, 'docs', file), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm),
    ].map(([, code], k) => ({ page: file, k: k + 1, code: code as string })),
  );

describe('the pages of docs', () => {
  before(() => mkdirSync(FOLDER, { recursive: true }));
  after(() => rmSync(FOLDER, { recursive: true, force: true }));

  for (const { page, k, code } of examples)
    it(`${page}: example ${k} runs when pasted, and prints something`, () => {
      const file = path.join(FOLDER, `${path.basename(page, '.md')}-${k}.ts`);
      writeFileSync(file, code);
      const { status, stdout, stderr } = spawnSync(process.execPath, [TSX, file], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      assert.match(stdout, /\d/);
      assert.doesNotMatch(stdout, /NaN|undefined|\[object/);
    });

  it('have only links to existing pages', () => {
    const broken = readdirSync(path.join(ROOT, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) => {
        const text = readFileSync(path.join(ROOT, 'docs', file), 'utf8');
        return [...text.matchAll(/\]\((?!https?:|\.\/api\/)([^)#]+)/g)]
          .map(([, target]) => target as string)
          .filter((target) => {
            const from = target.startsWith('notebooks/') ? ROOT : path.join(ROOT, 'docs');
            try {
              readFileSync(path.join(from, target));
              return false;
            } catch {
              return true;
            }
          })
          .map((target) => `${file} → ${target}`);
      });
    assert.deepEqual(broken, []);
  });
});
