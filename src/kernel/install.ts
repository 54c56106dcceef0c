/**
 * # Installing the kernel in the user's Jupyter
 *
 * Jupyter and VS Code find kernels by folders with a `kernel.json` (Jupyter's "kernel
 * specifications"). The one written here starts the kernel of the clone that contains the notebook.
 * For notebooks outside any clone, it starts the kernel of the clone that installed it.
 */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { inCheckout, makeFolder, writeBeside } from '../backend/index';
import { FisherlabError } from '../errors';
import { KERNELSPEC } from './language-info';

/** Where a kernel goes: into the user's own folder of Jupyter, or below a prefix. */
export interface Place {
  /** For example a Python environment: the kernel goes into its `share/jupyter/kernels`. */
  readonly prefix?: string;
}

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="12" fill="#2f5d8a"/><path d="M10 48C20 48 22 16 32 16S44 48 54 48" fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round"/></svg>
`;

/** The folder of the kernel's specification. */
export function kernelFolder({ prefix }: Place, env: NodeJS.ProcessEnv = process.env): string {
  const data = prefix === undefined ? userData(env) : path.join(prefix, 'share', 'jupyter');
  return path.join(path.resolve(data), 'kernels', KERNELSPEC.name);
}

/** Jupyter's data folder of the user, as `jupyter --data-dir` prints it. */
function userData(env: NodeJS.ProcessEnv): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  const home = env.HOME ?? homedir();
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Jupyter');
  if (process.platform === 'win32')
    return path.join(env.APPDATA ?? path.join(home, 'AppData', 'Roaming'), 'jupyter');
  return path.join(env.XDG_DATA_HOME ?? path.join(home, '.local', 'share'), 'jupyter');
}

/**
 * Installs the kernel, replacing an installed one.
 *
 * @returns the folder
 * @throws {FisherlabError} if the folder cannot be written
 */
export async function installKernel(place: Place): Promise<string> {
  const folder = kernelFolder(place);
  await makeFolder(folder);
  const launcher = path.join(folder, 'kernel.cjs');
  copyFileSync(inCheckout('src', 'backend', 'setup', 'kernel.cjs'), launcher);
  const clone = path.resolve(inCheckout());
  const spec = {
    // The full path, because programs with windows often have only the system's PATH.
    argv: [process.execPath, launcher, '{connection_file}', KERNELSPEC.name, clone],
    display_name: KERNELSPEC.display_name,
    language: KERNELSPEC.language,
    interrupt_mode: 'message',
  };
  await writeBeside(path.join(folder, 'logo-svg.svg'), LOGO);
  await writeBeside(path.join(folder, 'kernel.json'), `${JSON.stringify(spec, null, 2)}\n`);
  return folder;
}

/**
 * Removes the kernel.
 *
 * @returns the folder where it was
 * @throws {FisherlabError} if it is not installed there
 */
export function uninstallKernel(place: Place): string {
  const folder = kernelFolder(place);
  if (!existsSync(path.join(folder, 'kernel.json')))
    throw new FisherlabError(
      `no kernel is installed in ${folder}`,
      'name the place with --user or --prefix that it was installed with',
    );
  rmSync(folder, { recursive: true });
  return folder;
}
