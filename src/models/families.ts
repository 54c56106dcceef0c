/**
 * # The families of models, by name
 *
 * A configuration is plain JSON that says everything an architecture needs; `createModel` makes the
 * model of it, with its initial weights. It comes out of files and off the command line too, so
 * what it holds is looked at first.
 */
import { assertKnown, FisherlabError } from '../errors';
import { Diffusion, type DiffusionConfig } from './diffusion';
import { Glow, type GlowConfig } from './glow';
import type { TapedModel } from './model';
import { Vae, type VaeConfig } from './vae';

export type ModelConfig = GlowConfig | DiffusionConfig | VaeConfig;
export type Family = ModelConfig['family'];

const isWhole = (x: unknown, least: number) => Number.isSafeInteger(x) && (x as number) >= least;
const areCounts = (x: unknown) =>
  Array.isArray(x) && x.length > 0 && x.every((each) => isWhole(each, 1));

/** How an entry of a configuration may look, and what to say where it does not. */
const KINDS = {
  count: { fits: (x: unknown) => isWhole(x, 1), wanted: 'give a whole number from 1 on' },
  index: { fits: (x: unknown) => isWhole(x, 0), wanted: 'give a whole number from 0 on' },
  counts: { fits: areCounts, wanted: 'give a list of whole numbers from 1 on' },
  shape: {
    fits: (x: unknown) => areCounts(x) && (x as number[]).length === 3,
    wanted: 'give height, width and channels',
  },
} as const;

type Entries<C extends ModelConfig> = Readonly<
  Record<Exclude<keyof C, 'family'>, keyof typeof KINDS>
>;

const GLOW: Entries<GlowConfig> = {
  imageShape: 'shape',
  K: 'count',
  L: 'count',
  hidden: 'count',
  seed: 'index',
};
const DIFFUSION: Entries<DiffusionConfig> = {
  imageShape: 'shape',
  dim: 'count',
  dimMults: 'counts',
  timesteps: 'count',
  timestep: 'index',
  seed: 'index',
};
const VAE: Entries<VaeConfig> = {
  imageShape: 'shape',
  channels: 'counts',
  latent: 'count',
  seed: 'index',
};
const FAMILIES = { glow: GLOW, diffusion: DIFFUSION, vae: VAE } as const;

/**
 * The model of a configuration.
 * @throws {FisherlabError} if the family is not known, an entry is missing, unknown or impossible,
 *   or sizes do not go together
 */
export function createModel(config: ModelConfig): TapedModel {
  const { family, ...entries } = config;
  assertKnown('model family', family, Object.keys(FAMILIES) as Family[]);
  const wanted: Readonly<Record<string, keyof typeof KINDS>> = FAMILIES[family];
  const stray = Object.keys(entries).find((key) => !Object.hasOwn(wanted, key));
  if (stray !== undefined) {
    throw new FisherlabError(
      `'${stray}' is nothing of a ${family} model`,
      `its configuration holds ${Object.keys(wanted).join(', ')}`,
    );
  }
  for (const [key, kind] of Object.entries(wanted)) {
    const value = (entries as Readonly<Record<string, unknown>>)[key];
    if (!KINDS[kind].fits(value)) {
      throw new FisherlabError(
        `'${key}' of a ${family} model is ${JSON.stringify(value) ?? 'missing'}`,
        KINDS[kind].wanted,
      );
    }
  }
  switch (config.family) {
    case 'glow':
      return new Glow(config);
    case 'diffusion':
      return new Diffusion(config);
    case 'vae':
      return new Vae(config);
  }
}
