/** Small models and images for tests of whole experiments. */

import type { Images } from '../../src/data/dataset';
import { setLayer } from '../../src/gradients/layer';
import { disposeModel, saveCheckpoint } from '../../src/models/checkpoint';
import { createModel } from '../../src/models/families';
import type { TapedModel } from '../../src/models/model';
import { normals, uniformAt } from '../../src/numerics/random';

/** Images of independent uniform pixels. */
export function images(
  name: string,
  count: number,
  shape: readonly [number, number, number],
  seed: number,
): Images {
  const size = shape[0] * shape[1] * shape[2];
  return {
    name,
    count,
    shape,
    images: Uint8Array.from({ length: count * size }, (_, k) =>
      Math.floor(256 * uniformAt(seed, k)),
    ),
  };
}

/** A model whose weights are all small and different from 0, so that nothing is at rest. */
export function shaken<T extends TapedModel>(model: T): T {
  model.layers.forEach((layer, j) => {
    const before = layer.variable.dataSync();
    setLayer(
      layer,
      normals(1000 + j, layer.variable.size).map(
        (value, k) => (before[k] as number) * 0.9 + 0.05 * value,
      ),
    );
  });
  return model;
}

/** A model whose weights are normal numbers times `scale`. */
export function grown<T extends TapedModel>(model: T, scale: number): T {
  model.layers.forEach((layer, j) => {
    setLayer(
      layer,
      normals(2000 + j, layer.variable.size).map((value) => scale * value),
    );
  });
  return model;
}

/** What a checkpoint's header says besides architecture and data. */
export const HEADER = {
  data: { name: 'fashion_mnist', images: 90, validation: 10 },
  training: {},
  step: 1,
  unit: 'bits/dim',
  validation: 1,
};

/** Saves a tiny Glow that says it was trained on 90 images of a set, 10 more held out. */
export async function saveTinyGlow(file: string, set = 'fashion_mnist'): Promise<void> {
  const config = {
    family: 'glow',
    imageShape: [32, 32, 1],
    K: 1,
    L: 1,
    hidden: 2,
    seed: 1,
  } as const;
  const model = shaken(createModel(config));
  await saveCheckpoint(file, model, {
    ...HEADER,
    data: { name: set, images: 90, validation: 10 },
    config,
    curve: [],
    commit: 'none',
  });
  disposeModel(model);
}
