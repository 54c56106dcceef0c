/**
 * # Commands in processes of their own
 *
 * A benchmark runs other commands of this program as a person would, and asks the system what they
 * used up: memory is a process's, and so are its cores.
 */
import { spawn } from 'node:child_process';

/** What a command used up. */
export interface Ran {
  readonly seconds: number;
  /** Processor time, all cores. Seconds. */
  readonly cpu: number;
  /** Largest resident memory. */
  readonly peak_mb: number;
  /** What it wrote to its output. */
  readonly output: string;
}

/** When a program ends, writes what it used up into the pipe beside its output. */
const REPORT = `data:text/javascript,import{writeSync}from'node:fs';process.on('exit',()=>writeSync(3,JSON.stringify(process.resourceUsage())))`;

/**
 * Runs a command of this program.
 * @param cores the only ones that it may use, as `taskset` of Linux takes them: `0`, `0-3`
 * @throws {Error} if it fails: its last word
 */
export function ran(words: readonly string[], cores?: string): Promise<Ran> {
  const node = [...process.execArgv, '--import', REPORT, process.argv[1] as string, ...words];
  const [program, ...line] = [
    ...(cores === undefined ? [] : ['taskset', '-c', cores]),
    process.execPath,
    ...node,
  ];
  const began = performance.now();
  const child = spawn(program as string, line, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const said = { output: '', errors: '', report: '' };
  child.stdout?.on('data', (text) => {
    said.output += text;
  });
  child.stderr?.on('data', (text) => {
    said.errors += text;
  });
  child.stdio[3]?.on('data', (text) => {
    said.report += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status !== 0)
        return reject(
          new Error(`${words.join(' ')}: ${signal ?? said.errors.trim().split('\n').pop()}`),
        );
      const used = JSON.parse(said.report) as NodeJS.ResourceUsage;
      resolve({
        seconds: (performance.now() - began) / 1000,
        cpu: (used.userCPUTime + used.systemCPUTime) / 1e6,
        peak_mb: Math.round(used.maxRSS / 1024),
        output: said.output,
      });
    });
  });
}

/** The last line that a command of this program writes, which is JSON. */
export async function answerOf(words: readonly string[]): Promise<unknown> {
  const { output } = await ran(words);
  return JSON.parse(output.trim().split('\n').pop() as string);
}
