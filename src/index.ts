/**
 * # fisherlab
 *
 * One namespace a room, in the order in which images flow: data → a model → gradients → features →
 * a detector → numbers one can trust. Three steps are the whole method:
 *
 *     const { model } = models.loadModel('glow-fashion_mnist');
 *     const [table] = await features.extractTables(model, images, { batchSizes: [1], seed: 1 });
 *     const score = detectors.detector('layer-wise gradients').fit(table).score(other);
 *
 * A higher score means more out of distribution, everywhere. `startBackend()` comes before the
 * first tensor. What can go wrong through input is a `FisherlabError`, which says how to fix it.
 */

// What everything computes on: the engine, errors, and randomness as a function of seeds.

export * as backend from './backend/index';
export { type BackendChoice, startBackend, tf } from './backend/index';
export { FisherlabError } from './errors';
export * as random from './numerics/random';

// Images, models of images (Glow, diffusion, VAE, your own), and the one backward pass.

export * as data from './data/index';
export * as gradients from './gradients/index';
export * as models from './models/index';
export * as training from './training/index';

// What the theory speaks of: other ways to write an image down, and the Fisher information.

export * as fisher from './fisher/index';
export * as invariance from './invariance/index';

// The method: features of gradients, detectors, metrics with intervals, whole experiments.

export * as detectors from './detectors/index';
export * as evaluation from './evaluation/index';
export * as experiments from './experiments/index';
export * as features from './features/index';

// What people look at, and arithmetic for their own cells.

export * as kernel from './kernel/index';
export * as notebook from './notebook/index';
export * as numerics from './numerics/index';
export * as plots from './plots/index';
export * as terminal from './terminal/index';
