/**
 * # `fisherlab figures`: what a model has learnt, as pictures
 *
 * `fisherlab figures vae-fashion_mnist --out out/figures` writes SVG files: the training curve,
 * samples of the model, and for its own test images the latents (Glow) or the reconstructions
 * (VAE).
 */
import path from 'node:path';
import type { Command } from 'commander';
import { lab } from './lab';

/** Adds `figures` to the program. */
export function register(program: Command): void {
  program
    .command('figures')
    .description('draw the training curve of a model, samples, and its latents or reconstructions')
    .argument('<model>', 'a shipped model, or the path of a checkpoint')
    .option('--out <folder>', 'the folder to write to', path.join('out', 'figures'))
    .action(figures);
}

async function figures(name: string, { out }: { out: string }): Promise<void> {
  const { experiments, models, plots, startBackend } = lab();
  await startBackend();
  const loaded = models.loadModel(name);
  try {
    for (const [kind, figure] of await experiments.modelFigures(loaded)) {
      const file = path.join(out, `${loaded.name}-${kind}.svg`);
      await plots.saveFigure(figure, file);
      console.log(file);
    }
  } finally {
    models.disposeModel(loaded.model);
  }
}
