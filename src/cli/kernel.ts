/**
 * # `fisherlab kernel`
 *
 * Installs the notebook kernel in your own Jupyter or VS Code, and removes it again. `npm run lab`
 * does not need this: its JupyterLab already has the kernel.
 */
import { type Command, Option } from 'commander';
import { lab } from './lab';

interface Flags {
  readonly prefix?: string;
}

/** Adds `kernel` to the program. */
export function register(program: Command): void {
  const kernel = program
    .command('kernel')
    .description('install the notebook kernel in your own Jupyter or VS Code');
  const add = (name: string, description: string, action: (flags: Flags) => Promise<string>) =>
    kernel
      .command(name)
      .description(description)
      .option('--user', 'for your user account, in all your Jupyters (the default)')
      .addOption(
        new Option(
          '--prefix <folder>',
          'the folder of a Python environment to use instead',
        ).conflicts('user'),
      )
      .action(async (flags: Flags) => console.log(await action(flags)));
  add('install', 'install the kernel', async ({ prefix }) => {
    const folder = await lab().kernel.installKernel(prefix === undefined ? {} : { prefix });
    return `installed in ${folder}; choose "TypeScript (fisherlab)" for a notebook`;
  });
  add('uninstall', 'remove the kernel', async ({ prefix }) => {
    const folder = lab().kernel.uninstallKernel(prefix === undefined ? {} : { prefix });
    return `removed: ${folder}`;
  });
}
