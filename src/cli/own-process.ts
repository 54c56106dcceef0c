/**
 * # Commands in separate processes
 *
 * A benchmark runs other commands of this program as a person would, and asks the system what they
 * used. Memory and cores can only be measured and limited per process.
 */
import { spawn } from 'node:child_process';

/** What a command used. */
export interface Ran {
  readonly seconds: number;
  /** Processor time of all cores, in seconds. */
  readonly cpu: number;
  /** Largest resident memory, in megabytes. */
  readonly peak_mb: number;
  /** What it wrote to stdout. */
  readonly output: string;
}

/** When a program ends, writes what it used into a third pipe. */
const REPORT = `data:text/javascript,import{writeSync}from'node:fs';process.on('exit',()=>writeSync(3,JSON.stringify(process.resourceUsage())))`;

/**
 * Runs a command of this program.
 * @param cores the only cores it may use, in the syntax of Linux's `taskset`: `0`, `0-3`
 * @throws {Error} if it fails, with the end of its output
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

/** Runs a command of this program and parses its last line as JSON. */
export async function answerOf(words: readonly string[]): Promise<unknown> {
  const { output } = await ran(words);
  return JSON.parse(output.trim().split('\n').pop() as string);
}
