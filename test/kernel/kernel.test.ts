import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { KernelClient } from './client';

describe('the kernel', function () {
  this.timeout(120000);
  let kernel: KernelClient;
  before(async () => {
    kernel = await KernelClient.start();
  });
  after(() => kernel.stop());
  const result = async (code: string) =>
    (await kernel.execute(code)).result?.data['text/plain'] as string | undefined;
  const trace = async (code: string) =>
    stripVTControlCharacters(String((await kernel.execute(code)).error?.traceback.join('\n')));

  describe('runs cells', () => {
    it('and shows the value of the last expression', async () => {
      assert.equal(await result('const n: number = 41;\nn + 1;'), '42');
      assert.equal(await result('const shown = 1;'), undefined);
      assert.equal(await result('undefined'), undefined);
    });

    it('whose names later cells see and may declare again, differently', async () => {
      await kernel.execute('const a = 1; function f() { return a; } class C {} var v = 1;');
      assert.equal(await result('[a, f(), v, C.name]'), "[ 1, 1, 1, 'C' ]");
      await kernel.execute('let f = 2; class a {} const C = 3; function v() {}');
      assert.equal(await result('[typeof a, f, C, typeof v]'), "[ 'function', 2, 3, 'function' ]");
    });

    it('with functions that are called before they are declared', async () => {
      assert.equal(await result('early();\nfunction early() { return 7; }\nearly()'), '7');
    });

    it('with enums, export, var twice, and await at the top', async () => {
      assert.equal(
        await result(
          'export const e = await Promise.resolve(1);\nenum Colour { Red, Blue }\nvar w = 1; var w = 2;\nlet sum = 0;\nfor await (const x of [1, Promise.resolve(2)]) sum += x;\n[e, Colour.Blue, w, sum]',
        ),
        '[ 1, 1, 2, 3 ]',
      );
    });

    it('that import values, types, defaults, whole modules, and modules named at run time', async () => {
      assert.equal(
        await result(
          "import fs, { existsSync as there } from 'node:fs';\nimport * as os from 'node:os';\nimport type { Stats } from 'node:fs';\nconst { uniformAt } = await import('./src/numerics/random');\n[fs.existsSync === there, typeof os.cpus, typeof uniformAt]",
        ),
        "[ true, 'function', 'function' ]",
      );
    });

    it('from the front door, and by a path, as one module', async () => {
      assert.equal(
        await result(
          "import { random } from 'fisherlab';\nimport { uniformAt as byPath } from './src/numerics/random';\nrandom.uniformAt === byPath",
        ),
        'true',
      );
    });
  });

  it('evaluates the expressions that are sent with a cell, each separately', async () => {
    const { reply } = await kernel.execute('let asked = 6;', {
      user_expressions: { product: 'asked * 7', wrong: 'neverDeclared', broken: '1 +' },
    });
    const { product, wrong, broken } = reply.user_expressions;
    assert.deepEqual(product, { status: 'ok', data: { 'text/plain': '42' }, metadata: {} });
    assert.deepEqual([wrong.status, wrong.ename], ['error', 'ReferenceError']);
    assert.deepEqual([broken.status, broken.ename], ['error', 'SyntaxError']);
  });

  describe('shows what cells write', () => {
    it('while they compute, and each stream in its order', async () => {
      const cell = kernel.start("console.log('begin'); console.error('aside'); while (true) {}");
      await kernel.until(() => kernel.shown(cell.id).stderr === 'aside\n');
      assert.equal(kernel.shown(cell.id).stdout, 'begin\n');
      await kernel.request('control', 'interrupt_request');
      await cell.outcome;
    });

    it('completely, however many lines there are', async () => {
      const { stdout, reply } = await kernel.execute(
        "for (let i = 0; i < 100000; i++) console.log('line', i); console.error('last');",
      );
      assert.equal(reply.status, 'ok');
      assert.equal(stdout, Array.from({ length: 100000 }, (_, i) => `line ${i}\n`).join(''));
    });

    it("by tslab's displays, of which those with an id are replaced in place", async () => {
      const { outputs } = await kernel.execute(
        "import { display, newDisplay } from 'tslab';\ndisplay.html('<b>1</b>');\nconst d = newDisplay(); d.text('a'); d.text('b');",
      );
      const shown = outputs.filter(({ type }) => type !== 'execute_input');
      assert.deepEqual(
        shown.map(({ type, content }) => [type, content.data]),
        [
          ['display_data', { 'text/html': '<b>1</b>' }],
          ['display_data', { 'text/plain': 'a' }],
          ['update_display_data', { 'text/plain': 'b' }],
        ],
      );
      assert.equal(shown[1]?.content.transient.display_id, shown[2]?.content.transient.display_id);
    });

    it('under the cell whose timer writes it', async () => {
      const early = kernel.start("setTimeout(() => console.log('from the timer'), 200); 0;");
      await early.outcome;
      await kernel.execute('await new Promise((resolve) => setTimeout(resolve, 400));');
      assert.equal(kernel.shown(early.id).stdout, 'from the timer\n');
    });
  });

  describe('answers while a cell computes', () => {
    it('heartbeat, completion, inspection and kernel info', async () => {
      await kernel.request('shell', 'complete_request', { code: 'Math.hy', cursor_pos: 7 });
      const cell = kernel.start('while (true) {}');
      await sleep(200);
      const beat = await kernel.beat();
      const completed = await kernel.request('shell', 'complete_request', {
        code: "'😀'; Math.hy",
        cursor_pos: 12,
      });
      const inspected = await kernel.request('shell', 'inspect_request', {
        code: 'Math.hypot',
        cursor_pos: 10,
        detail_level: 0,
      });
      const info = await kernel.request('control', 'kernel_info_request');
      assert.ok(beat > 0);
      assert.deepEqual(completed.matches, ['hypot']);
      // The emoji is one code point: positions are counted as Jupyter does.
      assert.deepEqual([completed.cursor_start, completed.cursor_end], [10, 12]);
      assert.equal(inspected.found, true);
      assert.equal(info.implementation, 'fisherlab');
      await kernel.request('control', 'interrupt_request');
      assert.equal((await cell.outcome).error?.ename, 'Interrupted');
    });
  });

  describe('shows errors', () => {
    it('with the lines of the cell, and no frame of its own', async () => {
      assert.equal(
        await trace(
          "const type: string = 'a';\nfunction fails(x: number): never {\n  throw new TypeError('no');\n}\nfails(1);",
        ),
        `TypeError: no\n    at fails (${await place(3, 9)})\n    at ${await place(5, 1)}`,
      );
      async function place(line: number, column: number): Promise<string> {
        const { execution_count } = (await lastReply()) as { execution_count: number };
        return `cell [${execution_count}], line ${line}, column ${column}`;
      }
    });

    it('of the source, by file and line of the TypeScript', async () => {
      assert.match(
        await trace(
          "import { inCheckout } from './src/backend/root';\ninCheckout(Symbol() as never);",
        ),
        /^TypeError: .*\n {4}at .*\n.*src\/backend\/root\.ts:14:\d+\)\n {4}at cell \[\d+\], line 2, column 1$|src\/backend\/root\.ts:1\d:\d+/,
      );
    });

    it('that a person can act on as their sentence, and nothing else', async () => {
      assert.equal(
        await trace(
          "import { FisherlabError } from 'fisherlab';\nthrow new FisherlabError('it is wrong', 'do it right');",
        ),
        'it is wrong; do it right',
      );
      assert.equal(
        await trace("import { notebook } from 'fisherlab';\nnotebook.check('one is two', false);"),
        '✗ one is two',
      );
    });

    it('of syntax with line and column', async () => {
      assert.match(
        await trace('const ok = 1;\nlet b = ;'),
        /^SyntaxError: .*\n.*line 2, column 9$/,
      );
    });

    it('of a promise that is not awaited, and fails the cell', async () => {
      const { reply, error } = await kernel.execute("void Promise.reject(new Error('alone'));");
      assert.deepEqual([reply.status, error?.evalue], ['error', 'alone']);
    });

    it('of a timer under the cell that set it', async () => {
      const cell = kernel.start("setTimeout(() => { throw new Error('later'); }, 100); 0;");
      assert.equal((await cell.outcome).reply.status, 'ok');
      await kernel.execute('await new Promise((resolve) => setTimeout(resolve, 300));');
      assert.equal(kernel.shown(cell.id).error?.evalue, 'later');
    });

    it('and does not run the cells that wait after a failed one', async () => {
      const cells = ["throw new Error('first');", 'const never = 1;', 'const nor = 2;'].map(
        (code) => kernel.start(code),
      );
      const replies = await Promise.all(
        cells.map(async ({ outcome }) => (await outcome).reply.status),
      );
      assert.deepEqual(replies, ['error', 'aborted', 'aborted']);
      // A number would stand beside a cell that has not run.
      const { reply } = await (cells[1] as (typeof cells)[number]).outcome;
      assert.equal('execution_count' in reply, false);
    });
  });

  it('asks for a line of text', async () => {
    const cell = kernel.start("const name = await input('who? ');\nname.toUpperCase()");
    assert.equal((await kernel.answer('ada')).prompt, 'who? ');
    assert.equal((await cell.outcome).result?.data['text/plain'], "'ADA'");
    const { error } = await kernel.execute('await input()', { allow_stdin: false });
    assert.match(error?.evalue, /cannot ask anybody here/);
  });

  it('leaves no process behind when it is shut down, even while a cell runs', async () => {
    for (const code of ['1', 'while (true) {}']) {
      const one = await KernelClient.start();
      const { outcome } = one.start(code);
      outcome.catch(() => {});
      await sleep(300);
      const reply = await one.request('control', 'shutdown_request', { restart: true });
      assert.deepEqual(reply, { status: 'ok', restart: true });
      await one.until(() => one.gone, 5000);
      await one.stop();
    }
  });

  it('ends by itself when its Jupyter is gone, even while a cell runs', async () => {
    const jupyter = spawnSync(process.execPath, ['-e', 'console.log(process.pid)'], {
      encoding: 'utf8',
    });
    const orphan = await KernelClient.start(undefined, { JPY_PARENT_PID: jupyter.stdout.trim() });
    orphan.start('while (true) {}').outcome.catch(() => {});
    await orphan.until(() => orphan.gone, 10000);
    await orphan.stop();
  });

  it('ends with the status that a cell asks for', async () => {
    const one = await KernelClient.start();
    one.start('process.exit(7)').outcome.catch(() => {});
    await one.until(() => one.gone, 5000);
    assert.equal(one.child.exitCode, 7);
    await one.stop();
  });

  let counted: object = {};
  async function lastReply(): Promise<object> {
    return counted;
  }
  beforeEach(async () => {
    const { reply } = await kernel.execute('0');
    counted = { execution_count: reply.execution_count + 1 };
  });
});
