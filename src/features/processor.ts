/**
 * # Which kind of processor computes
 *
 * The engine's kernels add in the order that suits the widest vectors of the processor they find:
 * machines of one kind agree to the last bit, machines of two may differ in it. So files of
 * features say on which kinds they were made.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Linux's names of the vectors that kernels are chosen by, widest first, and their own. */
const VECTORS = [
  ['avx512f', 'AVX-512'],
  ['avx2', 'AVX2'],
  ['avx', 'AVX'],
  ['sve', 'SVE'],
] as const;

/** The kind of this machine: `x64 AVX-512`; where Linux does not tell, the processor's name. */
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

/** What the first processor in Linux's list can do; x64 calls it `flags`, arm64 `Features`. */
function flagsIn(list: string): string[] {
  return /^(?:flags|Features)\s*:(.*)$/m.exec(list)?.[1]?.trim().split(' ') ?? [];
}
