/**
 * # The command line
 *
 * One file a command: `src/cli/<command>.ts` exports `register(program)`, which adds the command to
 * a commander program. Only the file of the command that was asked for is loaded, so that
 * `fisherlab data` need not wait for TensorFlow; for help, all are.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';

/** The commands, in the order help lists them. */
export const COMMANDS = [
  'start',
  'notebooks',
  'kernel',
  'train',
  'data',
  'detect',
  'experiment',
  'combinations',
  'update',
  'figures',
  'parity',
  'bench',
  'import',
  'export',
  'readme',
] as const;

/** What the file of a command exports. */
export interface CommandFile {
  readonly register: (program: Command) => void;
}

/**
 * Runs one command line.
 *
 * @param argv as `process.argv`: node, the script, the arguments
 * @throws FisherlabError for whatever the person who typed it can mend
 */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('fisherlab').description(
    'Out-of-distribution detection with layer-wise gradient norms of deep generative models',
  );
  const asked = COMMANDS.filter((name) => name === argv[2]);
  for (const name of asked.length > 0 ? asked : COMMANDS) {
    const file = path.join(__dirname, `${name}.ts`);
    if (existsSync(file)) (require(file) as CommandFile).register(program);
  }
  await program.parseAsync(argv);
}
