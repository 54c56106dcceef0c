import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Argument, Command, type Option } from 'commander';
import { startBackend } from '../../src/backend/start';
import { COMMANDS } from '../../src/cli/main';
import { COSTLY, PROTOCOLS } from '../../src/experiments/paper-tables';
import { PRESETS } from '../../src/models/family';
import { saveTinyGlow } from '../support/tiny';

const ROOT = path.join(__dirname, '../..');
const PROGRAM = path.join(ROOT, 'bin', 'fisherlab.js');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs the program in a process of its own.
 * @param meet called with the process, and again with all that it has said whenever it says more
 */
function fisherlab(
  words: readonly string[],
  meet: (child: ReturnType<typeof spawn>, said: string) => void = () => {},
  node: readonly string[] = [],
): Promise<Ended> {
  const child = spawn(process.execPath, [...node, PROGRAM, ...words], { cwd: ROOT });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    out += data;
    meet(child, out);
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data;
  });
  meet(child, '');
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

describe('the program fisherlab', () => {
  let folder: string;
  before(async () => {
    await startBackend(); // a model is saved below
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-main-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('prints its version, and with help all commands or the options of one', async () => {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    const asked = await fisherlab(['--version']);
    assert.deepEqual(asked, { code: 0, out: `${version}\n`, err: '' });
    const help = await fisherlab(['--help']);
    assert.equal(help.code, 0);
    for (const name of Object.keys(COMMANDS))
      assert.match(help.out, new RegExp(`^ {2}${name} `, 'm'));
    const one = await fisherlab(['help', 'train']);
    assert.equal(one.code, 0);
    assert.match(one.out, /^Usage: fisherlab train .*--resume /s);
  });

  it('suggests the command that was meant, and names an argument that is not understood', async () => {
    const unknown = await fisherlab(['trian']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /unknown command 'trian'\n\(Did you mean train\?\)/);
    const wrong = await fisherlab(['detect', '--model', 'x', '--out', 'y', '--limit', '3']);
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.err,
      /'--limit <n>' argument '3' is invalid\. Give a whole number from 4 on/,
    );
  });

  it('loads the library for work, but not for help, the version or errors in a line', async () => {
    const list = path.join(folder, 'loaded.json');
    const hook = path.join(folder, 'hook.cjs');
    writeFileSync(
      hook,
      `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify(Object.keys(require('node:module')._cache))));`,
    );
    const loads = async (...words: string[]) => {
      await fisherlab(words, undefined, ['--require', hook]);
      const files = JSON.parse(readFileSync(list, 'utf8')) as string[];
      assert.ok(files.some((file) => file.includes('commander')));
      return files.filter(
        (file) => file.includes('@tensorflow') || file === path.join(ROOT, 'src', 'index.ts'),
      ).length;
    };
    const lines = [
      ['--help'],
      ['--version'],
      ['help', 'detect'],
      ['experiment', 'paper-tables', '--help'],
      ['trian'],
      ['train', '--model', 'glow'],
      ['train', '--steps', 'x'],
    ];
    for (const line of lines) assert.equal(await loads(...line), 0, line.join(' '));
    assert.ok((await loads('data', 'list')) > 0);
  });

  it('ends quietly, as by SIGPIPE, if nobody reads its output', async () => {
    for (const words of [['--help'], ['data', 'list']]) {
      const ended = await fisherlab(words, (child) => void child.stdout?.destroy());
      assert.deepEqual(ended, { code: 141, out: '', err: '' }, words.join(' '));
    }
  });

  it('says on a signal what is kept, and ends with the status that shells expect', async () => {
    const model = path.join(folder, 'tiny.safetensors');
    await saveTinyGlow(model);
    const words = ['experiment', 'paper-tables', '--models', model, '--limit', '100'];
    for (const [signal, status] of [
      ['SIGHUP', 129],
      ['SIGINT', 130],
    ] as const) {
      let sent = false;
      const ended = await fisherlab([...words, '--out', folder], (child, said) => {
        if (!sent && said.includes('model 1 of 1: tiny')) sent = child.kill(signal);
      });
      assert.equal(ended.code, status, ended.err);
      assert.equal(
        ended.err,
        'stopped; finished work is kept: run the same command again to resume\n',
      );
    }
  });

  it('says that there are too few file handles, where it would wait without an end', function () {
    if (process.platform === 'win32') this.skip(); // no ulimit
    // In an empty cache nothing is transpiled yet, which takes a process and its pipes.
    const command = `ulimit -n 30 && exec "$0" "$1" data list`;
    const { status, stderr } = spawnSync('bash', ['-c', command, process.execPath, PROGRAM], {
      env: { ...process.env, XDG_CACHE_HOME: path.join(folder, 'empty') },
      timeout: 60_000,
    });
    assert.equal(status, 1);
    assert.match(String(stderr), /^too few file handles to read TypeScript; .*ulimit -n 256\n$/);
  });

  it('offers the choices that the library has', () => {
    const program = new Command();
    for (const load of Object.values(COMMANDS)) load().register(program);
    const commands = (from: Command): Command[] => [from, ...from.commands.flatMap(commands)];
    const all = commands(program);
    const choices = (flag: string) =>
      all
        .flatMap(({ options, registeredArguments }): readonly (Option | Argument)[] => [
          ...options.filter(({ long }) => long === flag),
          ...registeredArguments.filter((argument) => argument.name() === flag),
        ])
        .map(({ argChoices }) => argChoices);
    assert.deepEqual(choices('--preset'), [PRESETS, PRESETS, PRESETS]);
    assert.deepEqual(choices('--protocol'), [PROTOCOLS]);
    const skip = all.flatMap(({ options }) => options).find(({ long }) => long === '--skip');
    assert.match(skip?.description ?? '', new RegExp(`: ${COSTLY.join(', ')}$`));
  });
});
