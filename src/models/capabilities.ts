/**
 * # What some models can do besides
 *
 * Every model gives log p(x) and its gradients. Some give more, which some columns of features are
 * made of: a flow takes log p apart, an autoencoder has a posterior of latents, a diffusion model
 * looks at an image at any of its noise levels. Features ask for the method, not for the family, so
 * that a family of one's own which has the method has the columns too.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { Model } from './model';

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
}

/** A model of images at several noise levels, or timesteps. */
export interface MultiScale extends Model {
  readonly schedule: { readonly steps: number };
  /** The same model (the same layers, not copies) that looks at timestep index t. */
  atTimestep(t: number): Model;
}

export const isFlow = (model: Model): model is Flow => 'parts' in model;
export const isAutoencoder = (model: Model): model is Autoencoder =>
  'encode' in model && 'decode' in model;
export const isMultiScale = (model: Model): model is MultiScale => 'atTimestep' in model;
