/**
 * # Checkpoints: a model as one file
 *
 * Weights are safetensors under the reference's names and in PyTorch's layouts, so that a state
 * dictionary trained elsewhere comes in by the same door. What the numbers do not say is JSON in
 * the file's metadata under `fisherlab`: the architecture, its preset, what it was trained on, its
 * seed, how far, and how well it does.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { inCheckout } from '../backend/index';
import { FisherlabError } from '../errors';
import { layerValues, setLayer } from '../gradients/index';
import { createModel, type ModelConfig } from './families';
import type { TapedModel } from './model';
import type { PresetName } from './presets';
import { type NamedTensor, readSafetensors, writeSafetensors } from './safetensors';

/** Where shipped models lie. */
export const MODELS_FOLDER = inCheckout('data', 'models');

/** One evaluation in a training. Losses are in the header's `unit`. */
export interface CurvePoint {
  readonly step: number;
  /** Mean loss over the steps since the last point, and on the held-out images. */
  readonly training: number;
  readonly validation: number;
  /** Of held-out images, or an upper bound on it; left out in files from before it was measured. */
  readonly bitsPerDim?: number;
}

export interface CheckpointHeader {
  readonly config: ModelConfig;
  /**
   * The preset that `config` is of; left out where it is of none, and in files from before it was
   * written down.
   */
  readonly preset?: PresetName;
  /** The data set it was trained on, the number of training images, and the held-out ones. */
  readonly data: { readonly name: string; readonly images: number; readonly validation: number };
  readonly training: Readonly<Record<string, number | string | boolean>>;
  /** Optimiser steps so far. */
  readonly step: number;
  /** What the losses below are in: bits/dim, or what the family trains on. */
  readonly unit: string;
  /** Mean loss on the held-out images and, where measured, on the test images. */
  readonly validation: number;
  readonly test?: number;
  /** Of held-out images at this step, as in the curve. */
  readonly bitsPerDim?: number;
  readonly curve: readonly CurvePoint[];
  /** The commit of the program that trained it. */
  readonly commit: string;
}

/** A model and what is known of it. */
export interface LoadedModel {
  readonly name: string;
  readonly model: TapedModel;
  readonly header: CheckpointHeader;
  /** SHA-256 of the file as it is without its seal (`safetensors.ts`): caches are keyed by it. */
  readonly checksum: string;
}

/** The tensors of a model, parameters first, in PyTorch's layout. */
export function modelTensors(model: TapedModel): NamedTensor[] {
  return [...model.layers, ...model.buffers].map((layer) => ({
    name: layer.name,
    shape: layer.torchShape,
    values: layerValues(layer),
  }));
}

/**
 * Writes a model. With `half` the parameters (buffers, which may be counts, not) are stored in half
 * precision, as shipped models are.
 */
export async function saveCheckpoint(
  file: string,
  model: TapedModel,
  header: CheckpointHeader,
  half = false,
): Promise<void> {
  const parameters = new Set(half ? model.layers.map((layer) => layer.name) : []);
  const tensors = modelTensors(model).map((tensor) =>
    parameters.has(tensor.name) ? { ...tensor, stored: 'F16' as const } : tensor,
  );
  await writeSafetensors(file, tensors, { fisherlab: JSON.stringify(header) });
}

/** The names of the shipped models. */
export function shippedModels(): string[] {
  if (!existsSync(MODELS_FOLDER)) return [];
  return readdirSync(MODELS_FOLDER)
    .filter((file) => file.endsWith('.safetensors'))
    .map((file) => file.slice(0, -'.safetensors'.length))
    .sort();
}

/** Loads a shipped model by name (`glow-fashion_mnist`) or any checkpoint by path. */
export function loadModel(nameOrPath: string): LoadedModel {
  const shipped = path.join(MODELS_FOLDER, `${nameOrPath}.safetensors`);
  const file = existsSync(shipped) ? shipped : nameOrPath;
  if (!existsSync(file)) {
    throw new FisherlabError(
      `model '${nameOrPath}' is not known`,
      `choose one of ${shippedModels().join(', ') || '(none is shipped)'}, or give the path of a .safetensors file`,
    );
  }
  const { tensors, metadata, checksum } = readSafetensors(file);
  if (metadata.fisherlab === undefined) {
    throw new FisherlabError(
      `'${file}' does not say which architecture it is`,
      'bring weights trained elsewhere in with fisherlab import',
    );
  }
  const header = parseHeader(metadata.fisherlab, file);
  const model = createModel(header.config);
  try {
    setTensors(model, tensors, file);
  } catch (error) {
    disposeModel(model);
    throw error;
  }
  return {
    name: path.basename(file, '.safetensors'),
    model,
    header,
    checksum,
  };
}

function parseHeader(text: string, file: string): CheckpointHeader {
  let header: Partial<CheckpointHeader> | null = null;
  try {
    header = JSON.parse(text);
  } catch {
    // said below
  }
  const { config, data, unit, curve } = header ?? {};
  const whole =
    typeof config?.family === 'string' &&
    typeof data?.name === 'string' &&
    typeof unit === 'string' &&
    Array.isArray(curve);
  if (!whole)
    throw new FisherlabError(
      `the description of the model in '${file}' is damaged`,
      'restore the file from where it came from',
    );
  return header as CheckpointHeader;
}

/**
 * Gives a model the tensors of a file. Nothing is changed unless all of them fit; else the error
 * says which differ.
 */
export function setTensors(
  model: TapedModel,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
): void {
  const wanted = [...model.layers, ...model.buffers];
  // Axes of length 1 are no difference: [12] is [1, 12, 1, 1].
  const axes = (shape: readonly number[]) => shape.filter((axis) => axis !== 1).join();
  const problems = wanted.flatMap((layer) => {
    const found = tensors.get(layer.name);
    if (found === undefined) return [`${layer.name} is missing`];
    if (axes(found.shape) !== axes(layer.torchShape))
      return [`${layer.name} is [${found.shape.join(', ')}], not [${layer.torchShape.join(', ')}]`];
    return found.values.every(Number.isFinite)
      ? []
      : [`${layer.name} holds numbers that are not finite`];
  });
  const names = new Set(wanted.map((layer) => layer.name));
  problems.push(
    ...[...tensors.keys()]
      .filter((name) => !names.has(name))
      .map((name) => `${name} is not of this model`),
  );
  if (problems.length > 0) {
    const shown =
      problems.slice(0, 5).join('; ') +
      (problems.length > 5 ? `; and ${problems.length - 5} more` : '');
    throw new FisherlabError(
      `'${file}' does not fit this ${model.family} model: ${shown}`,
      'load it with the architecture it was saved from',
    );
  }
  for (const layer of wanted) setLayer(layer, (tensors.get(layer.name) as NamedTensor).values);
}

/** Frees a model's variables. */
export function disposeModel(model: TapedModel): void {
  for (const layer of [...model.layers, ...model.buffers]) layer.variable.dispose();
}
