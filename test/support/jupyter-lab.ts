/**
 * # A JupyterLab of its own
 *
 * Starts the JupyterLab that the set-up has installed, on a free port and with settings, trust and
 * workspaces of its own: as on a machine that has never seen the clone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheCandidates } from '../../src/backend/setup/cache.mjs';
import { jupyterPrograms } from '../../src/backend/setup/jupyter.mjs';

const ROOT = path.resolve(__dirname, '../..');

/** The folder with Jupyter's programs, or null where none is installed. */
export const findJupyter = (): string | null =>
  jupyterPrograms(ROOT, cacheCandidates(process.env, ROOT));

/** Environment variables under which Jupyter keeps everything of a user in one folder. */
export function jupyterHome(folder: string): NodeJS.ProcessEnv {
  return {
    JUPYTER_CONFIG_DIR: path.join(folder, 'config'),
    JUPYTER_DATA_DIR: path.join(folder, 'data'),
    JUPYTER_RUNTIME_DIR: path.join(folder, 'runtime'),
    JUPYTERLAB_SETTINGS_DIR: path.join(folder, 'settings'),
    JUPYTERLAB_WORKSPACES_DIR: path.join(folder, 'workspaces'),
  };
}

/** What JupyterLab shall not ask the network for: its news. */
const QUIET = { fetchNews: 'false', checkForUpdates: false };

/** As much of what the server says of a session as is needed. */
interface Session {
  readonly path: string;
  readonly kernel: { readonly connections: number; readonly execution_state: string };
}

export class JupyterLab {
  private constructor(
    private readonly child: ChildProcess,
    private readonly home: string,
    /** Address without the slash at its end. */
    readonly url: string,
  ) {}

  /**
   * @param programs the folder of `findJupyter`
   * @param folder whose notebooks it shows
   * @param env further environment variables for Jupyter and its kernels
   */
  static async start(
    programs: string,
    folder: string,
    env: NodeJS.ProcessEnv = {},
  ): Promise<JupyterLab> {
    const home = mkdtempSync(path.join(tmpdir(), 'fisherlab-lab-'));
    setting(home, 'notification', QUIET);
    const port = await freePort();
    const child = spawn(
      path.join(programs, 'jupyter-lab'),
      [
        '--no-browser',
        '--allow-root',
        `--ServerApp.port=${port}`,
        '--ServerApp.port_retries=0',
        '--IdentityProvider.token=',
        '--ServerApp.log_level=ERROR',
        folder,
      ],
      { cwd: folder, env: { ...process.env, ...jupyterHome(home), ...env }, stdio: 'ignore' },
    );
    const lab = new JupyterLab(child, home, `http://127.0.0.1:${port}`);
    for (let tries = 0; !(await answers(`${lab.url}/api/status`)); tries++) {
      if (tries > 300 || child.exitCode !== null) {
        await lab.stop();
        throw new Error('JupyterLab does not start');
      }
      await sleep(200);
    }
    return lab;
  }

  /** Chooses a theme for the pages that are opened from now on. */
  setTheme(theme: string): void {
    setting(this.home, 'themes', { theme });
  }

  /** Waits until a page is connected with the kernel of a notebook, and the kernel has answered. */
  async connected(notebook: string): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      const sessions = (await (await fetch(`${this.url}/api/sessions`)).json()) as Session[];
      const kernel = sessions.find(({ path: file }) => file === notebook)?.kernel;
      if (kernel !== undefined && kernel.connections > 0 && kernel.execution_state === 'idle')
        return;
      await sleep(100);
    }
    throw new Error(`${notebook} has no kernel`);
  }

  /** Ends it and its kernels. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}

function setting(home: string, name: string, value: object): void {
  const folder = path.join(home, 'settings', '@jupyterlab', 'apputils-extension');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.jupyterlab-settings`), JSON.stringify(value));
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
