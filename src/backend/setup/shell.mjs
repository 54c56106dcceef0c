/**
 * # Running other programs
 *
 * Set-up drives `npm`, `python3` and a C++ compiler. A program that ends badly becomes one
 * `Obstacle`: what is in the way and what to do about it, the last line that the program itself
 * said included. Set-up is plain Node without a dependency, since it runs before anything is
 * installed; `checkJs` still type-checks it.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** Why a step cannot be done (`problem`) and what a person can do about it (`fix`). */
export class Obstacle extends Error {
  /**
   * @param {string} problem
   * @param {string} fix
   */
  constructor(problem, fix) {
    super(`${problem}; ${fix}`);
    this.name = 'Obstacle';
    this.problem = problem;
    this.fix = fix;
  }
}

/**
 * The programs that run now, so that an interrupted set-up leaves none behind. @type
 * {Set<import('node:child_process').ChildProcess>}
 */
export const running = new Set();

/**
 * The full path of a program, or null where `PATH` does not hold it.
 *
 * @param {string} name
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | null}
 */
export function findProgram(name, env = process.env) {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name];
  for (const folder of path.isAbsolute(name) ? [''] : (env.PATH ?? '').split(path.delimiter)) {
    for (const candidate of names.map((each) => path.join(folder, each))) {
      try {
        accessSync(candidate, constants.X_OK);
        if (statSync(candidate).isFile()) return candidate;
      } catch {
        // not here: look on
      }
    }
  }
  return null;
}

/**
 * The line of a program's output that tells why it failed: the first that speaks of an error, else
 * the last.
 *
 * @param {string} output
 * @returns {string} one line, at most 200 characters
 */
export function lastWords(output) {
  const lines = output
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    // npm's first lines name codes, its last a log file; pip warns at every try.
    .filter(
      (line) =>
        line !== '' &&
        !/^(WARNING:|npm (warn|error$|error (code|syscall|errno|A complete log)))/.test(line),
    );
  const telling = lines.find((line) =>
    /error|no space|denied|refused|not found|no module|unable/i.test(line),
  );
  // pip tells the system's own reason only in the warnings.
  const cause = /\[Errno -?\d+\] ([\w ]+)/.exec(output)?.[1];
  return [cause, telling ?? lines.at(-1) ?? 'it said nothing']
    .filter((part) => part !== undefined)
    .join(': ')
    .slice(0, 200);
}

/**
 * Runs a program to its end without input and keeps what it says.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, started?: (pid: number) => void }} [options]
 *   `started` learns the process id
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null, output: string }>} never
 *   rejects
 */
export function run(program, args, { cwd, env = process.env, started } = {}) {
  return new Promise((resolve) => {
    let output = '';
    const shell = process.platform === 'win32' && program.endsWith('.cmd');
    const child = spawn(program, args, {
      cwd,
      env,
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    running.add(child);
    if (child.pid !== undefined) started?.(child.pid);
    /** @param {Buffer} data */
    const keep = (data) => {
      output = (output + data.toString()).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => {
      running.delete(child);
      resolve({ code: 127, signal: null, output: `${output}\n${error.message}` });
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, output });
    });
  });
}

/**
 * Runs a program that must succeed.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, started?: (pid: number) => void, problem:
 *   string, fix: string }} options what to say when it fails
 * @returns {Promise<string>} its output
 * @throws {Obstacle} with the program's last words
 */
export async function mustRun(program, args, { problem, fix, ...options }) {
  const { code, signal, output } = await run(program, args, options);
  if (code === 0) return output;
  throw new Obstacle(
    `${problem} (${signal === null ? lastWords(output) : `ended by ${signal}`})`,
    fix,
  );
}
