/**
 * # Sizes of models, by name
 *
 * `paper` is what the paper trained; `small` trains on two cores in under an hour and ships in at
 * most 6 MiB.
 *
 * | family | size | configuration | tensors | parameters (at 32x32x3) |
 * |---|---|---|---|---|
 * | glow | `paper` | K = 32, L = 3, hidden 512 | 1353 | 44.2 M |
 * | glow | `small` | K = 8, L = 3, hidden 64 | 345 | 0.8 M |
 * | diffusion | `paper` | dim 32, multipliers 1-2-4-8 | 276 | 9.2 M |
 * | diffusion | `small` | dim 16, multipliers 1-2-4 | 218 | 0.7 M |
 * | vae | `paper` | 32 … 512 channels, latent 64 | 48 | 3.2 M |
 * | vae | `small` | 16 … 256 channels, latent 64 | 48 | 0.8 M |
 *
 * Every level or stage halves the image; where height or width cannot be halved that often, the
 * last ones are left out.
 */
import { FisherlabError } from '../errors';
import type { Family, ModelConfig } from './families';
import type { ImageShape } from './model';

export const PRESETS = ['paper', 'small'] as const;
export type PresetName = (typeof PRESETS)[number];

const GLOW = { paper: { K: 32, L: 3, hidden: 512 }, small: { K: 8, L: 3, hidden: 64 } };
const DIFFUSION = {
  paper: { dim: 32, dimMults: [1, 2, 4, 8] },
  small: { dim: 16, dimMults: [1, 2, 4] },
};
const VAE = {
  paper: { channels: [32, 64, 128, 256, 512], latent: 64 },
  small: { channels: [16, 32, 64, 128, 256], latent: 64 },
};

/** The configuration of a family at a size, for images of a shape. */
export function preset(
  family: Family,
  name: PresetName,
  imageShape: ImageShape,
  seed: number,
): ModelConfig {
  const halvings = timesHalved(imageShape);
  switch (family) {
    case 'glow': {
      const { K, L, hidden } = GLOW[name];
      return {
        family,
        imageShape,
        seed,
        K,
        L: Math.min(L, atLeastOnce(halvings, imageShape)),
        hidden,
      };
    }
    case 'diffusion': {
      const { dim, dimMults } = DIFFUSION[name];
      return {
        family,
        imageShape,
        seed,
        dim,
        dimMults: dimMults.slice(0, halvings + 1),
        timesteps: 1000,
        timestep: 0,
      };
    }
    case 'vae': {
      const { channels, latent } = VAE[name];
      return {
        family,
        imageShape,
        seed,
        channels: channels.slice(0, atLeastOnce(halvings, imageShape)),
        latent,
      };
    }
  }
}

/** How often height and width can both be halved. */
function timesHalved([h, w]: ImageShape): number {
  let times = 0;
  while (h > 0 && w > 0 && h % 2 ** (times + 1) === 0 && w % 2 ** (times + 1) === 0) times++;
  return times;
}

function atLeastOnce(halvings: number, [h, w]: ImageShape): number {
  if (halvings === 0)
    throw new FisherlabError(
      `images of ${h}x${w} cannot be halved`,
      'pad them to an even height and width',
    );
  return halvings;
}
