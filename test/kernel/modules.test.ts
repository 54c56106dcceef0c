import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { KernelClient } from './client';

const ROOT = path.resolve(__dirname, '../..');

describe('an edit of the source', function () {
  this.timeout(120000);
  let folder: string;
  let kernel: KernelClient;
  const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
  before(async () => {
    mkdirSync(path.join(ROOT, 'out'), { recursive: true });
    folder = mkdtempSync(path.join(ROOT, 'out', 'test of modules '));
    write(
      'top.ts',
      "import { part } from './part';\nexport class Made { whole = () => 'top '.concat(part()); }\nexport const whole = () => new Made().whole();\n",
    );
    write('part.ts', "export const part = (): string => 'first';\n");
    write('apart.ts', 'export const loaded: number[] = [];\nloaded.push(1);\n');
    kernel = await KernelClient.start(folder);
    await kernel.execute(
      "import { Made, whole } from './top';\nimport * as everything from './top';\nimport { loaded } from './apart';\nconst old = new Made();",
    );
  });
  after(async () => {
    await kernel.stop();
    rmSync(folder, { recursive: true });
  });
  const run = async (code: string) => {
    const { result, stdout, stderr } = await kernel.execute(code);
    return {
      result: result?.data['text/plain'],
      stdout,
      stderr: stripVTControlCharacters(stderr),
    };
  };

  it('of a dependency is seen by the next cell, under every name, and reported once in one line', async () => {
    write('part.ts', "export const part = (): string => 'second one';\n");
    const { result, stdout } = await run('[whole(), everything.whole(), new Made().whole()]');
    assert.equal(result, "[ 'top second one', 'top second one', 'top second one' ]");
    assert.match(
      stdout,
      /^renewed: out\/test of modules \w+\/part\.ts and 1 file that imports it; variables.* kept.*\n$/,
    );
    assert.equal((await run('whole()')).stdout, '');
  });

  it('leaves values as they were, and modules that do not import it', async () => {
    const { result } = await run('[old.whole(), old instanceof Made, loaded.length]');
    assert.equal(result, "[ 'top first', false, 1 ]");
  });

  it('that is not TypeScript is reported once with line and column, and the old module stays', async () => {
    write('part.ts', "export const part = (): string => 'third';\nexport const = 1;\n");
    const { result, stderr } = await run('whole()');
    assert.equal(result, "'top second one'");
    assert.match(stderr, /part\.ts:2:14: .*; the old module stays\n$/);
    assert.equal((await run('whole()')).stderr, '');
  });

  it('that cannot be loaded leaves the old module too', async () => {
    write('part.ts', "throw new Error('while loading');\nexport const part = () => '';\n");
    const { result, stderr } = await run('whole()');
    assert.equal(result, "'top second one'");
    assert.match(stderr, /Error: while loading[\s\S]*the old module stays\n$/);
    write('part.ts', "export const part = (): string => 'mended at last';\n");
    assert.equal((await run('whole()')).result, "'top mended at last'");
  });

  it('that changes only the time of the file reloads nothing', async () => {
    write('part.ts', "export const part = (): string => 'mended at last';\n");
    assert.equal((await run('whole()')).stdout, '');
  });

  it('does not reach a name that a later cell declared', async () => {
    await run("const whole = () => 'mine';");
    write('part.ts', "export const part = (): string => 'once more';\n");
    assert.equal(
      (await run('[whole(), everything.whole()]')).result,
      "[ 'mine', 'top once more' ]",
    );
  });
});
