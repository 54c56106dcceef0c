/**
 * # The command line
 *
 * There is one file per command: `src/cli/<command>.ts` exports `register(program)`, which adds the
 * command to a commander program. Registering is cheap, because the library is loaded only by the
 * command's action (`lab.ts`). If a line names a command, only that one is registered.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { endWithoutReader, Stopped } from './interruption';

/** What a command's file exports. */
export interface CommandFile {
  readonly register: (program: Command) => void;
}

/** The commands, in the order in which help lists them. */
export const COMMANDS: Readonly<Record<string, () => CommandFile>> = {
  start: () => require('./start'),
  notebooks: () => require('./notebooks'),
  book: () => require('./book'),
  kernel: () => require('./kernel'),
  train: () => require('./train'),
  data: () => require('./data'),
  features: () => require('./features'),
  merge: () => require('./merge'),
  detect: () => require('./detect'),
  experiment: () => require('./experiment'),
  combinations: () => require('./combinations'),
  update: () => require('./update'),
  figures: () => require('./figures'),
  parity: () => require('./parity'),
  bench: () => require('./bench'),
  import: () => require('./import'),
  export: () => require('./export'),
  readme: () => require('./readme'),
};

/**
 * Runs one command line.
 *
 * @param argv as `process.argv`: node, the script, the arguments
 * @throws {CommanderError} if the line is not understood, and after printing help or the version
 * @throws {FisherlabError} if the command cannot be carried out
 */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('fisherlab')
    .description(
      'Out-of-distribution detection with layer-wise gradient norms of deep generative models',
    )
    .version(version())
    .exitOverride();
  for (const name of needed(argv[2])) COMMANDS[name]?.().register(program);
  await program.parseAsync(argv);
}

/**
 * The program `fisherlab`: runs a command line and sets the exit status. Messages that commander or
 * a stopped command has already printed are not repeated.
 * @throws all other errors of `run`
 */
export async function main(argv: readonly string[]): Promise<void> {
  endWithoutReader();
  try {
    await run(argv);
  } catch (error) {
    if (error instanceof Stopped) process.exit(error.status);
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode;
  }
}

/** The commands to register for a line that begins with `word`. */
function needed(word: string | undefined): string[] {
  if (word === '--version' || word === '-V') return [];
  const all = Object.keys(COMMANDS);
  return word !== undefined && all.includes(word) ? [word] : all;
}

function version(): string {
  const about = readFileSync(path.join(__dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(about) as { version: string }).version;
}
