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
