/**
 * # A family of models is an object
 *
 * Glow, diffusion and VAE differ in the entries of their configuration, in how they are trained, in
 * what PyTorch's files hold beside the weights, and in how bits/dim are computed. Each family
 * states all of this in one object, in a file of its own; no other code in the project asks which
 * family a model belongs to. A family of your own is one more such object, passed to
 * `registerFamily`.
 *
 * What a model can *do* beyond log p is not listed here: it is a method of the model, and code that
 * needs the method asks for it (`capabilities.ts`). So the statistics and figures that need such a
 * method appear for every model that has it.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { GenericSchema } from 'valibot';
import type { LayerList } from './layer-list';
import type { ImageShape, TapedModel } from './model';
import type { ReferenceRules } from './reference-case';
import type { NamedTensor } from './safetensors';

/** The entries that every configuration has; a family adds its own. */
export type FamilyConfig = {
  readonly family: string;
  readonly imageShape: ImageShape;
  /** The seed of the initial weights and of whatever else the model draws once. */
  readonly seed: number;
};

/** A configuration of any family: plain JSON that describes an architecture completely. */
export type ModelConfig = FamilyConfig & { readonly [entry: string]: unknown };

/**
 * Sizes of models, by name: `paper` is what the paper trained; `small` trains on two cores in under
 * an hour and ships in at most 6 MiB.
 */
export const PRESETS = ['paper', 'small'] as const;
export type PresetName = (typeof PRESETS)[number];

/** What a family adds to a configuration. */
export type OwnEntries<C extends FamilyConfig> = Omit<C, keyof FamilyConfig>;

/** The default settings of a family's training. */
export interface TrainingDefaults {
  readonly method: 'adam' | 'adamax';
  /** The highest one. */
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Decay of the moving average of weights; 0 for none. */
  readonly average: number;
  readonly steps: number;
  /** Largest norm of the gradient; 0 for no clipping. */
  readonly clip: number;
}

/** The images and numbers from which a model's card is computed. */
export interface CardMaterial {
  /** The first test images (part 0) or as many behind them (part 1), and their indices. */
  images(part: 0 | 1): { readonly images: Tensor; readonly indices: readonly number[] };
  /** Loss on all test images, as training left it; NaN where it was not measured. */
  readonly test: number;
  readonly seed: number;
}

/** Bits per dimension of test images, and in words how they were computed. */
export interface CardBits {
  readonly bitsPerDim: number;
  readonly how: string;
}

/** What a family's PyTorch state dictionaries hold beside the weights (`state-dict.ts`). */
export interface StateDictHooks<M extends TapedModel> {
  /** Tensors that the architecture implies and the reference's code wants to find. */
  implied?(model: M): NamedTensor[];
  /** Whether a tensor says nothing that the architecture does not imply: it is left out. */
  leavesOut?(name: string, prefix: string): boolean;
  /** @throws {FisherlabError} if tensors beside the weights say that they mean something else */
  check?(model: M, tensors: ReadonlyMap<string, NamedTensor>, file: string): void;
}

export interface Family<C extends FamilyConfig = FamilyConfig, M extends TapedModel = TapedModel> {
  /** What configurations, files and tables call it: `glow`. */
  readonly name: C['family'];
  /** What figures call one of its models: `Glow`. */
  readonly title: string;
  /**
   * What its own entries of a configuration may hold. The message of a schema says what to give
   * instead (`config-entries.ts` has the usual ones).
   */
  readonly entries: { readonly [K in keyof OwnEntries<C>]: GenericSchema<C[K]> };
  /** The entries of a size, for images of a shape. */
  preset(name: PresetName, imageShape: ImageShape): OwnEntries<C>;
  /**
   * The model of a configuration whose entries were checked, with its initial weights.
   * @param tensors the list in which it declares all of its tensors
   */
  create(config: C, tensors: LayerList): M;
  readonly training: TrainingDefaults;
  /**
   * Draws of noise that one image's verdict is a mean over, 1 to 16; one where left out. Those of
   * the paper's families were doubled, up to 16, until the layer-wise scores of 80 test images
   * under one set of draws had a rank correlation of ¾ at least with those under another. (One
   * draw: 0.12 to 0.97 of Glow, 0.41 and more of diffusion, 0.11 to 0.61 of VAE. Not all shipped
   * models were asked: five of seven of diffusion, and 16 draws of VAE by none.)
   */
  readonly draws?: number;
  /** Whether the noise only dequantises, and an image's gradient hardly depends on it. */
  readonly noiseIsRounding?: boolean;
  /**
   * Bits/dim for a model's card. Left out: the loss on all test images where that is in bits/dim,
   * else the model's `bitsPerDim` of the first ones.
   */
  cardBits?(model: M, material: CardMaterial): CardBits;
  /** The literature's bits/dim on a data set, and where it stands. */
  readonly literature?: Readonly<Record<string, string>>;
  readonly stateDict?: StateDictHooks<M>;
  /** How a model comes out of a file of the paper's own numbers (`parity.ts`). */
  readonly reference?: ReferenceRules<C>;
}
