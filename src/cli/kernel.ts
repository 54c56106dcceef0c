/**
 * # `fisherlab kernel`
 *
 * Puts the notebook kernel into any Jupyter or VS Code, and takes it away again. `npm run lab` needs
 * none of this: its own JupyterLab has the kernel.
 */
import type { Command } from 'commander';

/** Loaded when the command runs. */
const kernelRoom = (): typeof import('../kernel/index') => require('../kernel/index');

interface Options {
  readonly user?: boolean;
  readonly prefix?: string;
}

export function register(program: Command): void {
  const kernel = program
    .command('kernel')
    .description('put the notebook kernel into a Jupyter or VS Code of your own');
  const add = (name: string, description: string, action: (options: Options) => Promise<string>) =>
    kernel
      .command(name)
      .description(description)
      .option('--user', 'for you, in all your Jupyters (this is what happens without an option)')
      .option('--prefix <folder>', 'into a Python environment: its folder')
      .action(async (options: Options, command: Command) => {
        if (options.user && options.prefix !== undefined)
          command.error('error: --user and --prefix name two places; give one of them');
        console.log(await action(options));
      });
  add('install', 'install the kernel', async ({ prefix }) => {
    const folder = await kernelRoom().installKernel(prefix === undefined ? {} : { prefix });
    return `installed in ${folder}; choose "TypeScript (fisherlab)" for a notebook`;
  });
  add('uninstall', 'take the kernel away', async ({ prefix }) => {
    const folder = kernelRoom().uninstallKernel(prefix === undefined ? {} : { prefix });
    return `taken away: ${folder}`;
  });
}
