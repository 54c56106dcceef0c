/**
 * # What some models can do
 *
 * Every model gives log p and its gradients. Some can do more: a flow has latents, an autoencoder
 * an encoder and a decoder, a diffusion model a network that sees images through more or less
 * noise. Code that needs such a method asks the model whether it has it, and never asks for the
 * name of the family. So a family of your own only has to have the method:
 *
 *     if (can(model, 'latents')) show(latentsFigure(model, images, noise));
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { Model, TapedModel } from './model';

/** A flow: an invertible map from images to latents. */
export interface WithLatents {
  /** One tensor a level, [N, h, w, c]: what it split off, and last what came out at the top. */
  latents(images: Tensor, noise: Tensor): Tensor[];
}

/** A flow: log p(x) = log p(z) + log|det ∂z/∂x|. */
export interface WithParts {
  /** The two parts, [N] nats each. */
  parts(images: Tensor, noise: Tensor): { readonly prior: Tensor; readonly logDet: Tensor };
}

/**
 * An autoencoder with prior N(0, 1) and posterior q(z|x) = N(mu, e^{2·logs}), whose objective is
 * −‖x − x̂‖² − KL(q ‖ N(0, 1)), where pixels span 1.
 */
export interface WithPosterior {
  /** Mean and log-deviation of the latents of images, [N, latent] each. */
  encode(images: Tensor): { readonly mu: Tensor; readonly logs: Tensor };
  /** x̂ of latents [N, latent], pixel values (not rounded), [N, H, W, C]. */
  decode(latents: Tensor): Tensor;
}

/** An autoencoder. */
export interface WithReconstructions {
  /** The images as seen through their latents, pixel values (not rounded), [N, H, W, C]. */
  reconstruct(images: Tensor, noise: Tensor): Tensor;
}

/** A model whose log-likelihood is computed at one of several levels of noise. */
export interface WithTimesteps {
  /** The index of that level, from 0, and how many levels there are. */
  readonly timestep: number;
  readonly timesteps: number;
  /** The same model (the same layers, not copies) at level t. */
  atTimestep(t: number): TapedModel;
}

interface Capabilities {
  readonly latents: WithLatents;
  readonly parts: WithParts;
  readonly encode: WithPosterior;
  readonly reconstruct: WithReconstructions;
  readonly atTimestep: WithTimesteps;
}

/** Whether a model has a method that not every model has. */
export function can<K extends keyof Capabilities>(
  model: Model,
  method: K,
): model is Model & Capabilities[K] {
  return typeof (model as Model & Partial<Record<typeof method, unknown>>)[method] === 'function';
}
