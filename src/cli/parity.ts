/**
 * # `fisherlab parity DIR`: comparison with the paper's own code
 *
 * Compares with every reference file in a directory (`experiments/reference-files.ts`) and prints
 * one line per file. The exit status is 1 if a file is outside the tolerances or cannot be
 * compared.
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
      'their lines above say what differs',
    );
  }
}
