/**
 * # Checkpoints: a model as one file
 *
 * Weights are stored as safetensors, under the reference's names and in PyTorch's layouts, so that
 * a state dictionary trained elsewhere is read in the same way. Everything else is JSON in the
 * file's metadata under `fisherlab`: the architecture, its preset, the data set, the seed, the
 * number of steps, and the losses.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { inCheckout } from '../backend/index';
import { FisherlabError } from '../errors';
import { layerValues, setLayer } from '../gradients/index';
import { createModel } from './families';
import { type CheckpointHeader, isBackground, parseHeader } from './header';
import type { FileContents } from './layer-list';
import type { TapedModel } from './model';
import { type NamedTensor, readMetadata, readSafetensors, writeSafetensors } from './safetensors';

/** Where shipped models lie. */
export const MODELS_FOLDER = inCheckout('data', 'models');

/** A model with its name, its header and its checksum. */
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

/** The header of a shipped model. Its weights are not read. */
export function shippedHeader(name: string): CheckpointHeader {
  const file = shippedFile(name);
  return parseHeader(describedIn(file, readMetadata(file)), file);
}

/**
 * The name of the shipped model that has learnt only what is common to all images of the set, of
 * the same family; undefined where there is none. Itself a background model, a model has none.
 */
export function shippedBackgroundOf(header: CheckpointHeader): string | undefined {
  if (isBackground(header)) return undefined;
  return shippedModels().find((name) => {
    const other = shippedHeader(name);
    return (
      isBackground(other) &&
      other.config.family === header.config.family &&
      other.data.name === header.data.name
    );
  });
}

/**
 * Loads a shipped model by name (`glow-fashion_mnist`) or any checkpoint by path.
 * @throws {FisherlabError} if there is no such model, or its file is damaged or no checkpoint
 */
export function loadModel(nameOrPath: string): LoadedModel {
  const shipped = shippedFile(nameOrPath);
  const file = existsSync(shipped) ? shipped : nameOrPath;
  if (!existsSync(file)) {
    throw new FisherlabError(
      `model '${nameOrPath}' is not known`,
      `choose one of ${shippedModels().join(', ') || '(none is shipped)'}, or give the path of a .safetensors file`,
    );
  }
  const { tensors, metadata, checksum } = readSafetensors(file);
  const header = parseHeader(describedIn(file, metadata), file);
  const model = createModel(header.config, contentsOf(tensors, file));
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

const shippedFile = (name: string) => path.join(MODELS_FOLDER, `${name}.safetensors`);

/** The description of the model in a file's metadata. */
function describedIn(file: string, { fisherlab }: Readonly<Record<string, string>>): string {
  if (fisherlab !== undefined) return fisherlab;
  throw new FisherlabError(
    `'${file}' does not say which architecture it is`,
    'bring weights trained elsewhere in with fisherlab import',
  );
}

/** What the model of a file cannot be larger than. */
function contentsOf(tensors: ReadonlyMap<string, NamedTensor>, file: string): FileContents {
  const numbers = [...tensors.values()].reduce((sum, { values }) => sum + values.length, 0);
  return { file, tensors: tensors.size, numbers };
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
