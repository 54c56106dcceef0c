import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BACKENDS } from '../../src/backend/index';
import { findCompiler } from '../../src/backend/setup/addon.mjs';
import {
  cacheCandidates,
  cacheKey,
  folderBytes,
  isWhole,
  needSpace,
  publish,
  writableCache,
} from '../../src/backend/setup/cache.mjs';
import { choiceLine, wantedBackend } from '../../src/backend/setup/choice.mjs';
import { jupyterPrograms } from '../../src/backend/setup/jupyter.mjs';
import { holderOf, lives, markOf, withLock } from '../../src/backend/setup/lock.mjs';
import { givenLibrary, wheelFor } from '../../src/backend/setup/native.mjs';
import { packageDifference, packagesProblem } from '../../src/backend/setup/packages.mjs';
import { findProgram, lastWords, mustRun, Obstacle, run } from '../../src/backend/setup/shell.mjs';
import { step } from '../../src/backend/setup/step.mjs';

const root = path.resolve(__dirname, '../..');

describe('set-up', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'fisherlab-setup-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const at = (...names: string[]) => path.join(folder, ...names);

  describe('npm packages', () => {
    const wanted = {
      packages: {
        '': { version: '0.1.0' },
        'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
        'node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
        'node_modules/b-windows': { version: '2.0.0', optional: true },
      },
    };
    const { '': _project, 'node_modules/b-windows': _other, ...here } = wanted.packages;

    it('need nothing if only builds for other systems are missing', () => {
      assert.equal(packageDifference(wanted, { packages: here }), null);
    });

    it('are noticed if they are missing, of another version, altered, or superfluous', () => {
      const a = here['node_modules/a'];
      assert.equal(
        packageDifference(wanted, { packages: { 'node_modules/a': a } }),
        'node_modules/b is missing',
      );
      const older = { ...here, 'node_modules/b': { version: '1.9.0', integrity: 'sha512-b' } };
      assert.equal(
        packageDifference(wanted, { packages: older }),
        'node_modules/b is 1.9.0, not 2.0.0',
      );
      const altered = { ...here, 'node_modules/b': { version: '2.0.0', integrity: 'sha512-c' } };
      assert.notEqual(packageDifference(wanted, { packages: altered }), null);
      const wrongBuild = { ...here, 'node_modules/b-windows': { version: '1.0.0' } };
      assert.notEqual(packageDifference(wanted, { packages: wrongBuild }), null);
      assert.equal(
        packageDifference(wanted, { packages: { ...here, 'node_modules/c': a } }),
        'node_modules/c should not be there',
      );
      assert.equal(packageDifference(wanted, {}), 'node_modules/a is missing');
    });

    it('are seen to be missing in a bare clone, after an npm that was killed, and when a folder was deleted', () => {
      writeFileSync(at('package-lock.json'), JSON.stringify(wanted));
      assert.equal(packagesProblem(folder), 'nothing is installed');
      for (const name of ['a', 'b']) {
        mkdirSync(at('node_modules', name), { recursive: true });
        writeFileSync(at('node_modules', name, 'package.json'), '{}');
      }
      assert.equal(packagesProblem(folder), 'nothing is installed'); // npm writes its list last
      writeFileSync(at('node_modules', '.package-lock.json'), JSON.stringify({ packages: here }));
      assert.equal(packagesProblem(folder), null);
      rmSync(at('node_modules', 'b'), { recursive: true });
      assert.equal(packagesProblem(folder), 'node_modules/b is missing');
      writeFileSync(at('node_modules', '.package-lock.json'), '{"packages": {');
      assert.notEqual(packagesProblem(folder), null);
    });
  });

  describe('a lock', () => {
    /** A process that holds the lock until it is killed. */
    async function holder(source: string) {
      const module = JSON.stringify(path.join(root, 'src/backend/setup/lock.mjs'));
      const child = spawn(process.execPath, [
        '--input-type=module',
        '-e',
        `const { withLock } = await import(${module}); ${source}`,
      ]);
      const [said] = (await once(child.stdout, 'data')) as [Buffer];
      return { child, said: said.toString().trim() };
    }
    const hold = () =>
      holder(
        `await withLock(${JSON.stringify(at('lock'))}, async () => { console.log('held'); await new Promise((end) => setTimeout(end, 60_000)); });`,
      );

    it('lets in one at a time', async () => {
      let inside = 0;
      let most = 0;
      const order: number[] = [];
      const worker = (i: number) =>
        withLock(
          at('lock'),
          async () => {
            most = Math.max(most, ++inside);
            await sleep(5);
            order.push(i);
            inside--;
          },
          { every: 2 },
        );
      await Promise.all([0, 1, 2, 3, 4].map(worker));
      assert.equal(most, 1);
      assert.deepEqual(order.sort(), [0, 1, 2, 3, 4]);
      assert.deepEqual(readdirSync(folder), []);
    });

    it('is released when the work fails, and passes its error on', async () => {
      const failing = withLock(at('lock'), async () => {
        throw new Error('no');
      });
      await assert.rejects(failing, { message: 'no' });
      assert.deepEqual(readdirSync(folder), []);
    });

    it('is waited for while its holder lives, and taken over when that was killed', async () => {
      const { child } = await hold();
      const waited: number[] = [];
      let entered = false;
      const enter = async () => {
        entered = true;
      };
      const mine = withLock(at('lock'), enter, {
        waiting: (pid) => void waited.push(pid),
        every: 5,
      });
      await sleep(100);
      assert.equal(entered, false);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await mine;
      assert.equal(entered, true);
      assert.deepEqual(waited, [child.pid]);
      assert.deepEqual(readdirSync(folder), []);
    });

    it('is also held by the programs that its killed holder started', async () => {
      const lock = JSON.stringify(at('lock'));
      const { child, said } = await holder(`
        import { spawn } from 'node:child_process';
        await withLock(${lock}, async (enlist) => {
          const program = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
          enlist(program.pid);
          console.log(program.pid);
          await new Promise((end) => program.on('exit', end));
        });`);
      const program = Number(said);
      child.kill('SIGKILL');
      await once(child, 'exit');
      try {
        assert.equal(holderOf(at('lock'))?.pid, program);
      } finally {
        process.kill(program, 'SIGKILL');
      }
      for (let i = 0; holderOf(at('lock')) !== null && i < 200; i++) await sleep(10);
      assert.equal(holderOf(at('lock')), null);
    });

    it('is not held by a new process with the id of a dead one', function () {
      if (markOf(process.pid).since === '') this.skip(); // the system does not tell start times
      assert.equal(lives(markOf(process.pid)), true);
      assert.equal(lives({ pid: process.pid, since: '1' }), false);
      writeFileSync(at('lock'), JSON.stringify([{ pid: process.pid, since: '1' }]));
      assert.equal(holderOf(at('lock')), null);
    });

    it('that was never written to is respected for a while, then ignored', () => {
      writeFileSync(at('lock'), '');
      assert.notEqual(holderOf(at('lock')), null);
      const before = Date.now() / 1000 - 60;
      utimesSync(at('lock'), before, before);
      assert.equal(holderOf(at('lock')), null);
    });
  });

  describe('the cache', () => {
    it('is in XDG_CACHE_HOME, otherwise in the home directory, or as a last resort in the clone', () => {
      const own = '/clone/.cache/fisherlab';
      assert.deepEqual(cacheCandidates({ XDG_CACHE_HOME: '/xdg', HOME: '/home/ada' }, '/clone'), [
        '/xdg/fisherlab',
        own,
      ]);
      assert.deepEqual(cacheCandidates({ HOME: '/home/ada' }, '/clone'), [
        '/home/ada/.cache/fisherlab',
        own,
      ]);
      assert.deepEqual(
        cacheCandidates({ XDG_CACHE_HOME: 'relative', HOME: '/home/ada' }, '/clone'),
        ['/home/ada/.cache/fisherlab', own],
      );
      assert.equal(
        cacheCandidates({}, '/clone')[0],
        path.join(os.userInfo().homedir, '.cache/fisherlab'),
      );
    });

    it('goes to the first folder that can be written', () => {
      writeFileSync(at('file'), '');
      // No folder can be made inside a file, whoever tries.
      assert.equal(
        writableCache([at('file', 'cache'), at('clone', 'cache')]),
        at('clone', 'cache'),
      );
      assert.deepEqual(readdirSync(at('clone', 'cache')), []);
      assert.throws(
        () => writableCache([at('file', 'cache')]),
        (error: Error) => error instanceof Obstacle && error.message.includes(at('file', 'cache')),
      );
    });

    it('has keys whose parts cannot run into each other', () => {
      assert.equal(cacheKey('ab', 'c'), cacheKey('ab', 'c'));
      assert.notEqual(cacheKey('ab', 'c'), cacheKey('a', 'bc'));
      assert.notEqual(cacheKey('ab', 'c'), cacheKey('ab', 'c', ''));
      assert.match(cacheKey('a'), /^[0-9a-f]{12}$/);
    });

    const fill = async (part: string) => {
      mkdirSync(path.join(part, 'in'));
      writeFileSync(path.join(part, 'in', 'file'), 'twelve bytes');
    };

    it('publishes a folder as a whole', async () => {
      assert.equal(isWhole(at('thing')), false);
      mkdirSync(at('thing.part'));
      writeFileSync(at('thing.part', 'left over'), ''); // by a set-up that was killed
      await publish(at('thing'), fill);
      assert.equal(isWhole(at('thing')), true);
      assert.deepEqual(readdirSync(folder), ['thing']);
      assert.deepEqual(readdirSync(at('thing')).sort(), ['files.json', 'in']);
      assert.equal(folderBytes(at('thing')), 12);
    });

    it('keeps what it had, and nothing half-made, when building fails', async () => {
      await publish(at('thing'), fill);
      const failing = publish(at('thing'), async (part) => {
        await fill(part);
        throw new Error('disk full');
      });
      await assert.rejects(failing, { message: 'disk full' });
      assert.deepEqual(readdirSync(folder), ['thing']);
      assert.equal(isWhole(at('thing')), true);
    });

    it('notices that a file was truncated or is missing', async () => {
      await publish(at('thing'), fill);
      truncateSync(at('thing', 'in', 'file'), 5);
      assert.equal(isWhole(at('thing')), false);
      await publish(at('thing'), fill);
      rmSync(at('thing', 'in', 'file'));
      assert.equal(isWhole(at('thing')), false);
    });

    it('is not started on a disk that is too full', () => {
      const { bavail, bsize } = statfsSync(folder);
      needSpace(at('not', 'there', 'yet'), 0);
      assert.throws(() => needSpace(folder, (2 * bavail * bsize) / 1e6 + 1), /MB free and/);
    });
  });

  describe('programs', () => {
    it('are found in PATH only if they can be run', () => {
      mkdirSync(at('bin'));
      symlinkSync(process.execPath, at('bin', 'tool'));
      writeFileSync(at('bin', 'text'), 'not a program', { mode: 0o644 });
      mkdirSync(at('bin', 'folder'));
      const env = { PATH: ['/nowhere', at('bin')].join(path.delimiter) };
      assert.equal(findProgram('tool', env), at('bin', 'tool'));
      for (const name of ['text', 'folder', 'missing']) assert.equal(findProgram(name, env), null);
      assert.equal(findProgram('tool', {}), null);
    });

    it('for C++ are CXX with its arguments, or else any compiler that exists', () => {
      mkdirSync(at('bin'));
      for (const name of ['c++', 'ccache']) symlinkSync(process.execPath, at('bin', name));
      assert.deepEqual(findCompiler({ PATH: at('bin') }), [at('bin', 'c++')]);
      assert.deepEqual(findCompiler({ PATH: at('bin'), CXX: 'ccache  g++-12' }), [
        at('bin', 'ccache'),
        'g++-12',
      ]);
      assert.deepEqual(findCompiler({ PATH: at('bin'), CXX: 'missing' }), [at('bin', 'c++')]);
      assert.equal(findCompiler({ PATH: '/nowhere' }), null);
    });

    it('that fail give an error that quotes them', async () => {
      const what = { problem: 'it broke', fix: 'fix it' };
      const failing = mustRun(
        process.execPath,
        ['-e', 'console.log("working"); console.error("Error: disk on fire"); process.exit(3)'],
        what,
      );
      await assert.rejects(failing, {
        name: 'Obstacle',
        message: 'it broke (Error: disk on fire); fix it',
      });
      await assert.rejects(
        mustRun(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'], what),
        {
          message: 'it broke (ended by SIGKILL); fix it',
        },
      );
      assert.equal((await run(at('missing'), [])).code, 127);
      assert.equal(
        (await mustRun(process.execPath, ['-e', 'console.log("fine")'], what)).trim(),
        'fine',
      );
    });

    it('are quoted from where they say why they failed', () => {
      const npm = [
        'npm error code ECONNREFUSED',
        'npm error FetchError: request failed',
        'npm error A complete log of this run can be found in: x',
      ];
      assert.equal(lastWords(npm.join('\n')), 'npm error FetchError: request failed');
      const pip = [
        "WARNING: Retrying after 'Error: [Errno 111] Connection refused'",
        'ERROR: Could not find a version',
        'ERROR: No match',
      ];
      assert.equal(
        lastWords(pip.join('\n')),
        'Connection refused: ERROR: Could not find a version',
      );
      assert.equal(lastWords('one\r\ntwo\n\n'), 'two');
      assert.equal(lastWords(''), 'it said nothing');
      assert.equal(lastWords(`error ${'x'.repeat(1000)}`).length, 200);
    });
  });

  describe('progress', () => {
    const collect = (isTTY: boolean) => {
      const lines: string[] = [];
      return { lines, output: { isTTY, write: (text: string) => lines.push(text) } };
    };

    it('is plain lines in a log: the step, its progress, its time', async () => {
      const { lines, output } = collect(false);
      assert.equal(
        await step('Baking', () => sleep(50, 'bread'), {
          output,
          fraction: () => 0.254,
          plainEvery: 20,
        }),
        'bread',
      );
      const text = lines.join('');
      assert.match(text, /^Baking …\n(Baking: 25 %, 0 s\n)+Baking: done, 0 s\n$/);
    });

    it('rewrites one line on a terminal', async () => {
      const { lines, output } = collect(true);
      await step('Baking', () => sleep(600), { output, fraction: () => 1.7 });
      assert.ok(lines.slice(1).every((line) => line.startsWith('\r\x1b[K')));
      assert.match(lines[1] as string, /Baking: 99 %/); // all is there, but it is not yet done
      assert.equal(lines.join('').split('\n').length, 2);
    });

    it('says when a step was not done, and passes its error on', async () => {
      const { lines, output } = collect(false);
      await assert.rejects(
        step('Baking', () => Promise.reject(new Error('burnt')), { output }),
        { message: 'burnt' },
      );
      assert.equal(lines.at(-1), 'Baking: not done, 0 s\n');
    });
  });

  describe('the choice of the backend', () => {
    it('knows the names that the program knows', () => {
      for (const name of BACKENDS) assert.equal(wantedBackend(name), name);
      assert.equal(wantedBackend(undefined), null);
      assert.equal(wantedBackend(''), null);
      assert.throws(() => wantedBackend('gpu'), {
        message: `FISHERLAB_BACKEND 'gpu' is not known; choose one of ${BACKENDS.join(', ')}`,
      });
    });

    it('is reported in one line, with the reason and what to install if it is not the native one', () => {
      assert.equal(choiceLine(null, null), 'Backend: tensorflow (the native library)');
      assert.equal(choiceLine('cpu', null), 'Backend: cpu, chosen by FISHERLAB_BACKEND');
      const line = choiceLine(null, new Obstacle('python3 was not found', 'install it'));
      assert.equal(
        line,
        'Backend: wasm, much slower than native TensorFlow: python3 was not found; install it',
      );
    });

    it("uses the user's own TensorFlow if it is complete", () => {
      assert.equal(givenLibrary(undefined), null);
      assert.equal(givenLibrary(''), null);
      assert.throws(
        () => givenLibrary(folder),
        /^Obstacle: FISHERLAB_TENSORFLOW names .* no tensorflow\/libtensorflow_cc.so.2; name the folder/,
      );
      mkdirSync(at('tensorflow/include/tensorflow/c'), { recursive: true });
      for (const file of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'])
        writeFileSync(at('tensorflow', file), '');
      assert.throws(() => givenLibrary(folder), /c_api.h/);
      writeFileSync(at('tensorflow/include/tensorflow/c/c_api.h'), '');
      assert.equal(givenLibrary(path.relative(process.cwd(), folder)), folder);
    });

    it('has a wheel for Linux with glibc only', () => {
      assert.equal(wheelFor('linux', 'x64', true).package, 'tensorflow-cpu');
      assert.match(wheelFor('linux', 'arm64', true).platform, /aarch64/);
      assert.throws(() => wheelFor('linux', 'x64', false), /glibc/);
      for (const [platform, arch] of [
        ['darwin', 'arm64'],
        ['win32', 'x64'],
        ['linux', 'ia32'],
      ] as const) {
        assert.throws(() => wheelFor(platform, arch, true), new RegExp(`${platform}-${arch}`));
      }
    });
  });

  describe('as a whole', () => {
    /** A clone with set-up in it, whose packages are there, on a machine with nothing but Node. */
    function bareClone() {
      cpSync(path.join(root, 'src/backend/setup'), at('clone/src/backend/setup'), {
        recursive: true,
      });
      cpSync(path.join(root, 'src/backend/setup.mjs'), at('clone/src/backend/setup.mjs'));
      const lock = JSON.stringify({ packages: {} });
      mkdirSync(at('clone/node_modules'));
      writeFileSync(at('clone/package-lock.json'), lock);
      writeFileSync(at('clone/node_modules/.package-lock.json'), lock);
      mkdirSync(at('bin'));
      symlinkSync(process.execPath, at('bin/node'));
    }
    const setUp = (args: string[], env: NodeJS.ProcessEnv = {}) =>
      spawnSync(process.execPath, [at('clone/src/backend/setup.mjs'), ...args], {
        cwd: at('clone'),
        env: { PATH: at('bin'), HOME: at('home'), ...env },
        encoding: 'utf8',
        input: '',
      });

    it('succeeds without Python and compiler, and says what runs, why, and what to install', () => {
      bareClone();
      const { status, stdout, stderr } = setUp([]);
      assert.equal(status, 0);
      assert.match(stdout, /^Backend: wasm, [^\n]*; [^\n]*\n$/);
      assert.match(
        stderr,
        /^JupyterLab is not installed: python3? was not found; install [^\n]*\n$/,
      );
    });

    it('fails if the native backend was requested and is not available', () => {
      bareClone();
      const { status, stdout, stderr } = setUp([], { FISHERLAB_BACKEND: 'tensorflow' });
      assert.equal(status, 1);
      assert.equal(stdout, '');
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });

    it('refuses a backend that it does not know', () => {
      bareClone();
      const { status, stderr } = setUp([], { FISHERLAB_BACKEND: 'gpu' });
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^FISHERLAB_BACKEND 'gpu' is not known; choose one of tensorflow, wasm, cpu\n$/,
      );
    });

    it('runs the given command with its arguments and ends with its status', () => {
      bareClone();
      const echo = 'console.log(JSON.stringify(process.argv.slice(1))); process.exit(7)';
      const { status, stdout } = setUp(
        ['node', '-e', echo, '--', '--grep', 'two words', '--quick'],
        {
          FISHERLAB_BACKEND: 'cpu',
        },
      );
      assert.equal(status, 7);
      assert.deepEqual(stdout.trim().split('\n'), [
        'Backend: cpu, chosen by FISHERLAB_BACKEND',
        '["--grep","two words","--quick"]',
      ]);
    });

    it('leaves signals to the given command, and ends when that has ended', async () => {
      bareClone();
      const asking = `
        for (const signal of ['SIGINT', 'SIGTERM'])
          process.on(signal, () => setTimeout(() => { console.log('asked, then ended'); process.exit(5); }, 300));
        setInterval(() => {}, 1000);
        console.log('ready');`;
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        const child = spawn(
          process.execPath,
          [at('clone/src/backend/setup.mjs'), 'node', '-e', asking],
          {
            cwd: at('clone'),
            env: { PATH: at('bin'), HOME: at('home'), FISHERLAB_BACKEND: 'cpu' },
            stdio: ['ignore', 'pipe', 'ignore'],
          },
        );
        let said = '';
        child.stdout.on('data', (bytes) => {
          said += bytes;
          if (String(bytes).includes('ready')) child.kill(signal);
        });
        const [status] = await once(child, 'close');
        assert.equal(status, 5);
        assert.match(said, /ready\nasked, then ended\n$/);
      }
    });

    it('ends with one line if the packages cannot be installed', () => {
      bareClone();
      rmSync(at('clone/node_modules'), { recursive: true });
      const { status, stdout, stderr } = setUp(['node', '-e', 'console.log("ran")']);
      assert.equal(status, 1);
      assert.equal(stdout, '');
      assert.match(
        stderr.trim().split('\n').at(-1) as string,
        /^the npm packages cannot be installed \(.*\); see that /,
      );
      assert.equal(existsSync(at('clone/.cache/packages.lock')), false);
    });

    it('says in one line that npm run jupyter has no Jupyter', () => {
      bareClone();
      assert.equal(jupyterPrograms(at('clone'), [at('home')]), null);
      const { status, stderr } = setUp(['jupyter', 'lab'], { FISHERLAB_BACKEND: 'cpu' });
      assert.equal(status, 1);
      assert.match(stderr.trim().split('\n').at(-1) as string, /^JupyterLab is not installed; /);
    });
  });

  it('writes the same node packages into the lock file for every system', () => {
    // npm ci refuses a lock file that lacks an optional package of another system.
    const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const lost = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          !(`node_modules/${name}` in packages) && !(`${place}/node_modules/${name}` in packages),
      ),
    );
    assert.deepEqual(lost, []);
  });
});
