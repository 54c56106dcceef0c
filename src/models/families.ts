/**
 * # The families of models, by name
 *
 * A configuration is plain JSON that says everything an architecture needs; `createModel` makes the model of it, with its initial weights.
 */
import { FisherlabError } from '../backend/errors';
import { Diffusion, type DiffusionConfig } from './diffusion';
import { Glow, type GlowConfig } from './glow';
import type { TapedModel } from './model';
import { Vae, type VaeConfig } from './vae';

export type ModelConfig = GlowConfig | DiffusionConfig | VaeConfig;
export type Family = ModelConfig['family'];

export function createModel(config: ModelConfig): TapedModel {
  switch (config.family) {
    case 'glow':
      return new Glow(config);
    case 'diffusion':
      return new Diffusion(config);
    case 'vae':
      return new Vae(config);
    default:
      throw new FisherlabError(
        `model family '${(config as { family: string }).family}' is not known`,
        'choose one of glow, diffusion, vae',
      );
  }
}
