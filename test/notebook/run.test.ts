import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Output } from '../../src/notebook/ipynb';
import { findNotebooks, publishNotebooks } from '../../src/notebook/publish';
import { type NotebookRun, type RunEvent, runNotebook } from '../../src/notebook/run';
import { folderWith } from './fixture';

describe('the runner of notebooks', function () {
  this.timeout(300000);
  const folder = folderWith({
    good: [
      'md:# A title with $\\theta_j$',
      "import { check } from './src/notebook/index';\nimport { uniformAt } from './src/numerics/random';",
      "console.log('first'); console.log('second'); console.error('aside');",
      "check('the generator gives its first number', uniformAt(1, 0) > 0, 'above zero');\nprocess.env.FISHERLAB_QUICK",
      "import { progress } from './src/notebook/index';\nconst p = progress('steps', 3); p.tick(3); p.done();",
      '   ',
    ],
    throws: [
      'const x = 1;',
      "throw new Error('broken on purpose');",
      'const never = 2;',
      'const norThis = 3;',
    ],
    mistyped: ['const n: number = =>;'],
    falseClaim: [
      "import { check } from './src/notebook/index';\ncheck('one is two', 1 + 1 === 1, '2 is not 1');",
    ],
    rejects: ["Promise.reject(new Error('nobody waits for me'));", 'const after = 1;'],
    throwsSoon: ["setImmediate(() => { throw new Error('a little later'); });", 'const after = 1;'],
    rejectsLate: ["setTimeout(() => { throw new Error('after the last cell'); }, 300);"],
    slow: ['await new Promise((resolve) => setTimeout(resolve, 60000));'],
    dies: ['process.exit(7);'],
    missing: ["import { nothing } from './src/no/such/file';"],
  });
  const run = (name: string, options = {}) =>
    runNotebook(path.join(folder, `${name}.ipynb`), options);
  after(() => rmSync(path.dirname(folder), { recursive: true }));

  let good: NotebookRun;
  const events: RunEvent[] = [];
  before(async () => {
    good = await run('good', {
      env: { FISHERLAB_QUICK: '1' },
      onEvent: (event: RunEvent) => events.push(event),
    });
  });

  describe('with a good notebook', () => {
    const outputs = (cell: number): Output[] => good.executed.cells[cell]?.outputs ?? [];

    it('finds nothing wrong in a folder whose path holds a blank', () => {
      assert.ok(folder.includes(' '));
      assert.equal(good.problem, undefined);
    });

    it('numbers the cells that ran and leaves empty and text cells alone', () => {
      const counts = good.executed.cells.map((cell) => cell.execution_count);
      assert.deepEqual(counts, [undefined, 1, 2, 3, 4, null]);
    });

    it('collects what was written, in order, joining lines of one stream', () => {
      assert.deepEqual(outputs(2), [
        { output_type: 'stream', name: 'stdout', text: ['first\n', 'second\n'] },
        { output_type: 'stream', name: 'stderr', text: ['aside\n'] },
      ]);
    });

    it('hands parameters over through the environment', () => {
      assert.deepEqual(outputs(3), [
        {
          output_type: 'stream',
          name: 'stdout',
          text: ['✓ the generator gives its first number (above zero)\n'],
        },
        {
          output_type: 'execute_result',
          data: { 'text/plain': ["'1'"] },
          execution_count: 3,
          metadata: {},
        },
      ]);
    });

    it('keeps only the last state of an output that is overwritten in place', () => {
      assert.deepEqual(outputs(4), [
        { output_type: 'display_data', data: { 'text/plain': ['steps: 3 of 3'] }, metadata: {} },
      ]);
    });

    it('reports the beginning, the progress and the end of each cell', () => {
      assert.deepEqual(
        events
          .filter((event) => event.seconds !== undefined)
          .map((event) => [event.cell, event.cells]),
        [0, 1, 2, 3].map((cell) => [cell, 4]),
      );
      assert.ok(events.some((event) => event.cell === 3 && event.note?.startsWith('steps')));
    });
  });

  const failures: [title: string, name: string, problem: RegExp, options?: object][] = [
    [
      'an error, and says which cells did not run',
      'throws',
      /^code cell 2 of 4 of notebook 'throws' failed: Error: broken on purpose \(2 more did not run\)$/,
    ],
    ['code that is no TypeScript', 'mistyped', /code cell 1 of 1.*SyntaxError: Unexpected "=>"/],
    ['a claim that is false', 'falseClaim', /✗ one is two \(2 is not 1\)$/],
    [
      'a rejected promise that nobody awaits',
      'rejects',
      /code cell 1 of 2.*no cell waited for: Error: nobody waits for me/,
    ],
    [
      'an exception that comes just after its cell',
      'throwsSoon',
      /code cell 1 of 2.*no cell waited for: Error: a little later/,
    ],
    [
      'an exception after the last cell',
      'rejectsLate',
      /after its last cell: something failed that no cell waited for: Error: after the last cell/,
    ],
    ['a cell that takes too long', 'slow', /it ran longer than 0\.5 s/, { timeout: 0.5 }],
    ['a kernel that dies', 'dies', /its process ended with status 7/],
    ['an import of what is not there', 'missing', /Cannot find module/],
  ];
  for (const [title, name, problem, options] of failures) {
    it(`fails on ${title}`, async () => {
      assert.match((await run(name, options)).problem ?? 'no problem', problem);
    });
  }

  it('lists the notebooks when a name is unknown', () => {
    assert.throws(
      () => findNotebooks(folder, ['nix']),
      /notebook 'nix' is not known; choose one of dies, .*throws/,
    );
  });

  it('finds a notebook by a part of its name', () => {
    assert.deepEqual(findNotebooks(folder, ['goo']), [path.join(folder, 'good.ipynb')]);
  });

  it('refuses a file that is not a notebook', async () => {
    await assert.rejects(
      runNotebook(path.join(folder, 'src', 'backend', 'errors.ts')),
      /cannot be read/,
    );
  });

  it('refuses a damaged notebook in one line that names the place', async () => {
    const file = path.join(path.dirname(folder), 'damaged.ipynb');
    for (const [text, says] of [
      ['{"cells": [', /damaged\.ipynb' is damaged: it is not JSON; restore it/],
      [
        '{"cells": [{"cell_type": "code", "source": 5}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        /'cells\.0\.source' is 5/,
      ],
      [
        '{"cells": [], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}',
        /'nbformat' is 3, not 4/,
      ],
    ] as const) {
      writeFileSync(file, text);
      await assert.rejects(runNotebook(file), { name: 'FisherlabError', message: says });
    }
  });

  it('runs the notebooks after a failed one, and stores only outputs of successful ones, the same in each run', async () => {
    const out = path.join(path.dirname(folder), 'out');
    const before = readFileSync(path.join(folder, 'throws.ipynb'), 'utf8');
    const files = findNotebooks(folder, ['throws', 'good']);
    const runs = await publishNotebooks(files, { out, write: true, env: { FISHERLAB_QUICK: '1' } });
    assert.deepEqual(runs[1]?.executed, good.executed);
    assert.deepEqual(
      runs.map((one) => [one.name, one.problem === undefined]),
      [
        ['throws', false],
        ['good', true],
      ],
    );
    assert.equal(readFileSync(path.join(folder, 'throws.ipynb'), 'utf8'), before);
    assert.equal(
      readFileSync(path.join(folder, 'good.ipynb'), 'utf8'),
      readFileSync(path.join(out, 'good.ipynb'), 'utf8'),
    );
    assert.deepEqual(readdirSync(out).sort(), [
      'good.html',
      'good.ipynb',
      'throws.html',
      'throws.ipynb',
    ]);
  });
});
