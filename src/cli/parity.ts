/**
 * # `fisherlab parity DIR`: against the paper's own code
 *
 * Compares every reference file of a directory (`experiments/reference-files.ts`) and prints a line
 * a file. The exit status is 1 where a file is beyond the tolerances or cannot be compared.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { lab } from './lab';

/** Adds `parity` to the program. */
export function register(program: Command): void {
  program
    .command('parity')
    .description("compare models and detector with reference values of the paper's code")
    .argument('<directory>', 'holds glow-….json, diffusion-….json, vae-….json, detector.json')
    .action(parity);
}

async function parity(directory: string): Promise<void> {
  const { experiments, FisherlabError, startBackend } = lab();
  const names = experiments.referenceFiles(directory);
  await startBackend();
  const failed = names.filter((name) => {
    const { line, ok } = experiments.compareReferenceFile(path.join(directory, name));
    console.log(`${name} ${line}`);
    return !ok;
  });
  if (failed.length > 0) {
    throw new FisherlabError(
      `${failed.length} of ${names.length} reference files do not agree: ${failed.join(', ')}`,
      'see their lines for what differs',
    );
  }
}
