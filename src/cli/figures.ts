/**
 * # `fisherlab figures`: what a model has learnt, as pictures
 *
 * `fisherlab figures vae-fashion_mnist --out out/figures` writes the curve of its training, samples
 * of the model, and of its own test images the latents (Glow) or the reconstructions (VAE), as SVG.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { startBackend, tf } from '../backend/index';
import { dataset, pixels } from '../data/index';
import { disposeModel, Glow, type LoadedModel, loadModel, Vae } from '../models/index';
import type { Figure } from '../plots/index';
import {
  latentsFigure,
  reconstructionsFigure,
  samplesFigure,
  saveFigure,
  trainingFigures,
} from '../plots/index';

const SAMPLES = 30;
const IMAGES = 10;
const SEED = 1;

export function register(program: Command): void {
  program
    .command('figures')
    .description('draw the training curve of a model, samples, and its latents or reconstructions')
    .argument('<model>', 'a shipped model, or the path of a checkpoint')
    .option('--out <folder>', 'where the figures go', path.join('out', 'figures'))
    .action(figures);
}

async function figures(name: string, { out }: { out: string }): Promise<void> {
  await startBackend();
  const loaded = loadModel(name);
  try {
    const { header, model } = loaded;
    const all = [
      ...trainingFigures(header),
      ['samples', samplesFigure(model, SAMPLES, SEED)] as const,
      ...(await ofImages(loaded)),
    ];
    for (const [kind, figure] of all) {
      const file = path.join(out, `${loaded.name}-${kind}.svg`);
      await saveFigure(figure, file);
      console.log(file);
    }
  } finally {
    disposeModel(loaded.model);
  }
}

/** The figures that show test images of the set the model was trained on. */
async function ofImages({ model, header }: LoadedModel): Promise<[string, Figure][]> {
  if (!(model instanceof Glow || model instanceof Vae)) return [];
  const data = await dataset(header.data.name, 'test', { limit: IMAGES });
  const indices = Array.from({ length: data.count }, (_, k) => k);
  const [images, noise] = [pixels(data, indices), model.noise(indices, SEED)];
  try {
    if (model instanceof Glow) return [['latents', latentsFigure(model, images, noise)]];
    return [['reconstructions', reconstructionsFigure(model, images, noise)]];
  } finally {
    tf.dispose([images, noise]);
  }
}
