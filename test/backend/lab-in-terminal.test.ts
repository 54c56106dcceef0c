import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findJupyter, freePort, jupyterHome } from '../support/jupyter-lab';

const ROOT = path.resolve(__dirname, '../..');
const jupyter = findJupyter();
const missing =
  process.platform === 'win32'
    ? 'Windows has no such terminals'
    : jupyter === null
      ? 'JupyterLab is not installed'
      : '';

/** Runs a command in a terminal of its own, whose keyboard is this program's standard input. */
const IN_TERMINAL = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';

describe(`npm run lab in a terminal${missing === '' ? '' : ` (skipped: ${missing})`}`, () => {
  it('asks at Ctrl-C, and ends Jupyter and its kernels', async function () {
    if (missing !== '') this.skip();
    this.timeout(300000);
    const home = mkdtempSync(path.join(tmpdir(), 'fisherlab-terminal-'));
    const port = await freePort();
    const lab = `http://127.0.0.1:${port}`;
    const command = ['npm', 'run', 'lab', '--', '--no-browser', '--allow-root'];
    const options = [`--ServerApp.port=${port}`, '--IdentityProvider.token=known'];
    const terminal = spawn(
      path.join(jupyter as string, 'python'),
      ['-c', IN_TERMINAL, ...command, ...options],
      { cwd: ROOT, env: { ...process.env, ...jupyterHome(home) } },
    );
    let said = '';
    for (const stream of [terminal.stdout, terminal.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk;
      });
    const ended = new Promise<number | null>((resolve) => terminal.on('close', resolve));
    /** Processes of this Jupyter, the server and its kernels. */
    const processes = () =>
      spawnSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter((line) => line.includes(`port=${port}`) || line.includes(home));
    const until = async (condition: () => boolean | Promise<boolean>, what: string) => {
      for (const end = Date.now() + 120000; !(await condition()); await sleep(200))
        assert.ok(Date.now() < end, `${what}:\n${said}`);
    };
    try {
      const kernels = `${lab}/api/kernels`;
      const headers = { Authorization: 'token known' };
      const started = async () => {
        const asked = { method: 'POST', headers, body: '{"name": "fisherlab"}' };
        return (await fetch(kernels, asked).catch(() => null))?.ok === true;
      };
      await until(started, 'Jupyter does not start a kernel');
      await until(() => processes().some((line) => line.includes('kernel')), 'no kernel');

      terminal.stdin.write('\x03');
      await until(() => said.includes('(y/[n])?'), 'it does not ask');
      terminal.stdin.write('n\n');
      await until(() => said.includes('resuming operation'), 'it does not go on');
      assert.equal((await fetch(kernels, { headers })).ok, true);

      said = '';
      terminal.stdin.write('\x03');
      await until(() => said.includes('(y/[n])?'), 'it does not ask again');
      terminal.stdin.write('y\n');
      assert.equal(await ended, 0);
      await until(() => processes().length === 0, 'something is left');
    } finally {
      terminal.kill();
      rmSync(home, { recursive: true, force: true });
    }
  });
});
