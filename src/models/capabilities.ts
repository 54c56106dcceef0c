/**
 * # What some models can do besides
 *
 * Every model gives log p(x) and its gradients. Some give more, which some columns of features are
 * made of: a flow takes log p apart, an autoencoder has a posterior of latents, a diffusion model
 * looks at an image at any of its noise levels. Features and figures ask for the method, not for
 * the family, so that a family of one's own which has the method has the columns and figures too.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { Model, TapedModel } from './model';

/** A flow: log p(x) = log p(z) + log|det ∂z/∂x|, the two parts apart, [N] nats each. */
export interface Flow extends Model {
  parts(images: Tensor, noise: Tensor): { readonly prior: Tensor; readonly logDet: Tensor };
}

/**
 * A latent-variable model with prior N(0, 1) and posterior q(z|x) = N(mu, e^{2·logs}) whose
 * objective is −‖x − x̂‖² − KL(q ‖ N(0, 1)), where pixels span 1.
 */
export interface Autoencoder extends Model {
  /** Mean and log-deviation of the latents of images, [N, latent] each. */
  encode(images: Tensor): { readonly mu: Tensor; readonly logs: Tensor };
  /** x̂ of latents [N, latent], pixel values (not rounded), [N, H, W, C]. */
  decode(latents: Tensor): Tensor;
  /** x̂ of images through their latents z = mu + e^logs ε, for ε [N, latent], [N, H, W, C]. */
  reconstruct(images: Tensor, noise: Tensor): Tensor;
}

/** A model of images at several noise levels, or timesteps. */
export interface MultiScale extends Model {
  readonly schedule: { readonly steps: number };
  /** The index, from 0, that it looks at. */
  readonly timestep: number;
  /** The same model (the same layers, not copies) that looks at timestep index t. */
  atTimestep(t: number): TapedModel;
}

/** A model whose images are latents, seen otherwise. */
export interface WithLatents extends Model {
  /** One tensor a level, [N, h, w, c]: what it split off, and last what came out at the top. */
  latents(images: Tensor, noise: Tensor): Tensor[];
}

export const hasLatents = (model: Model): model is WithLatents => 'latents' in model;
export const isFlow = (model: Model): model is Flow => 'parts' in model;
export const isAutoencoder = (model: Model): model is Autoencoder =>
  'encode' in model && 'decode' in model;
export const isMultiScale = (model: Model): model is MultiScale => 'atTimestep' in model;
