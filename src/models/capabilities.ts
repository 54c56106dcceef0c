/**
 * # What some models can do
 *
 * Every model gives log p and its gradients. Beyond that, one has latents to look at, one an
 * encoder and a decoder, one a network that looks at images through more or less noise. Whoever
 * needs such a thing asks the model for the method, never for the name of its family, so that a
 * family of your own takes part by having it:
 *
 *     if (can(model, 'latents')) show(latentsFigure(model, images, noise));
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { Model, TapedModel } from './model';

/** A flow: images are latents, seen otherwise. */
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

/** A model whose log-likelihood looks at images through one of several levels of noise. */
export interface WithTimesteps {
  /** The index it looks at, from 0, and how many there are. */
  readonly timestep: number;
  readonly timesteps: number;
  /** The same model (the same layers, not copies), looking at index t. */
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
