/**
 * # The kind of processor
 *
 * The engine's kernels add numbers in an order that suits the widest vector instructions of the
 * processor. Machines of one kind therefore agree in every bit, while machines of different kinds
 * may differ in the last. So feature files record the kinds of processors that made them.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';

/**
 * Vector instructions that decide which kernels run, widest first: Linux's name, then the usual
 * one.
 */
const VECTORS = [
  ['avx512f', 'AVX-512'],
  ['avx2', 'AVX2'],
  ['avx', 'AVX'],
  ['sve', 'SVE'],
] as const;

/**
 * The kind of this machine, such as `x64 AVX-512`; without Linux's list, the processor's own name.
 */
export function processorKind(): string {
  let flags: string[];
  try {
    flags = flagsIn(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return `${os.arch()} ${os.cpus()[0]?.model ?? ''}`.trim();
  }
  const vectors = VECTORS.find(([flag]) => flags.includes(flag))?.[1];
  return vectors === undefined ? os.arch() : `${os.arch()} ${vectors}`;
}

/**
 * The features of the first processor in Linux's list. The line is called `flags` on x64 and
 * `Features` on arm64.
 */
function flagsIn(list: string): string[] {
  return /^(?:flags|Features)\s*:(.*)$/m.exec(list)?.[1]?.trim().split(' ') ?? [];
}
