/**
 * # Plain tslab
 *
 * Runs cells in tslab's own kernel, by Jupyter's own runner of notebooks, as a user does who has
 * chosen that kernel.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Ipynb, notebookText } from '../../src/notebook/ipynb';

const ROOT = path.resolve(__dirname, '../..');

/** Builds what tslab imports. */
export function build(): void {
  execFileSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['run', 'build', '--silent'], {
    cwd: ROOT,
  });
}

/**
 * Runs a notebook on few images.
 *
 * @param programs the folder of `findJupyter`
 * @returns what the first failed cell said; empty where all is well
 */
export function runInTslab(programs: string, notebook: Ipynb): string {
  mkdirSync(path.join(ROOT, 'out'), { recursive: true });
  const folder = mkdtempSync(path.join(ROOT, 'out', 'tslab '));
  try {
    const file = path.join(folder, 'notebook.ipynb');
    writeFileSync(file, notebookText(notebook));
    const { status, stderr } = spawnSync(
      path.join(programs, 'jupyter-execute'),
      ['--kernel_name=tslab', '--timeout=600', file],
      { encoding: 'utf8', env: { ...process.env, FISHERLAB_QUICK: '1' } },
    );
    return status === 0 ? '' : stderr;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
