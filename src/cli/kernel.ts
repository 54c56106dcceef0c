/**
 * # `fisherlab kernel`
 *
 * Puts the notebook kernel into any Jupyter or VS Code, and takes it away again. `npm run lab`
 * needs none of this: its own JupyterLab has the kernel.
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
    .description('put the notebook kernel into a Jupyter or VS Code of your own');
  const add = (name: string, description: string, action: (flags: Flags) => Promise<string>) =>
    kernel
      .command(name)
      .description(description)
      .option('--user', 'for you, in all your Jupyters (this is what happens without an option)')
      .addOption(
        new Option('--prefix <folder>', 'into a Python environment: its folder').conflicts('user'),
      )
      .action(async (flags: Flags) => console.log(await action(flags)));
  add('install', 'install the kernel', async ({ prefix }) => {
    const folder = await lab().kernel.installKernel(prefix === undefined ? {} : { prefix });
    return `installed in ${folder}; choose "TypeScript (fisherlab)" for a notebook`;
  });
  add('uninstall', 'take the kernel away', async ({ prefix }) => {
    const folder = lab().kernel.uninstallKernel(prefix === undefined ? {} : { prefix });
    return `taken away: ${folder}`;
  });
}
