/**
 * # A model in ten lines
 *
 * Shows what a model is and how large, and, if it was loaded from a file, what it was trained on
 * and how good it is.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { bytesText, countText, type Facts, factsData, numberText, shapeText } from './value-facts';
import type { Bundle } from './value-figure';

/** The parts of a layer, a model and a loaded model that are shown. */
export interface LayerFacts {
  readonly name: string;
  readonly torchShape: readonly number[];
  readonly frozen: boolean;
  readonly variable: Tensor;
}

export interface ModelFacts {
  readonly family: string;
  readonly imageShape: readonly number[];
  readonly layers: readonly LayerFacts[];
  readonly buffers: readonly LayerFacts[];
  /** Its sizes, for the families of this program. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface LoadedModelFacts {
  readonly name: string;
  readonly checksum: string;
  readonly model: ModelFacts;
  readonly header: {
    readonly data: { readonly name: string; readonly images: number; readonly validation: number };
    readonly step: number;
    readonly unit: string;
    /** Null if it was not measured, as for weights trained elsewhere. */
    readonly validation: number | null;
    readonly test?: number;
    readonly bitsPerDim?: number;
  };
}

export function isLayer(value: object): value is LayerFacts {
  const { name, torchShape, variable } = value as Partial<LayerFacts>;
  return typeof name === 'string' && Array.isArray(torchShape) && variable !== undefined;
}

export function isModel(value: object): value is ModelFacts {
  const { family, imageShape, layers } = value as Partial<ModelFacts>;
  return typeof family === 'string' && Array.isArray(imageShape) && Array.isArray(layers);
}

export function isLoadedModel(value: object): value is LoadedModelFacts {
  const { model, header, checksum } = value as Partial<LoadedModelFacts>;
  if (typeof model !== 'object' || model === null || typeof checksum !== 'string') return false;
  return isModel(model) && typeof header?.data?.name === 'string';
}

export function modelData(model: ModelFacts): Bundle {
  return factsData(`${model.family} model`, sizeFacts(model));
}

export function loadedModelData({ name, model, header }: LoadedModelFacts): Bundle {
  const { data, step, unit, validation, test, bitsPerDim } = header;
  const losses = [
    ...(validation === null ? [] : [`${numberText(validation)} held out`]),
    ...(test === undefined ? [] : [`${numberText(test)} test`]),
  ];
  return factsData(`${name}: ${model.family} model`, [
    ...sizeFacts(model),
    [
      'trained on',
      `${countText(data.images)} images of ${data.name}, ${countText(data.validation)} held out`,
    ],
    ['steps', countText(step)],
    [unit, losses.length === 0 ? undefined : losses.join(', ')],
    [
      'bits/dim',
      bitsPerDim === undefined || unit === 'bits/dim' ? undefined : numberText(bitsPerDim),
    ],
  ]);
}

function sizeFacts(model: ModelFacts): Facts {
  const { layers, buffers } = model;
  const size = (list: ModelFacts['layers']) =>
    list.reduce((sum, { variable }) => sum + variable.size, 0);
  const frozen = layers.filter((layer) => layer.frozen);
  const [first, last] = [layers[0]?.name, layers[layers.length - 1]?.name];
  const sizes = Object.entries(model.config ?? {})
    .filter(([key]) => !['family', 'imageShape', 'seed'].includes(key))
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join('-') : String(value)}`);
  const all = [...layers, ...buffers];
  const gone = all.length > 0 && all.every(({ variable }) => variable.isDisposed);
  return [
    ['images', shapeText(model.imageShape)],
    ['sizes', sizes.length === 0 ? undefined : sizes.join(', ')],
    ['layers', `${countText(layers.length)} tensors, ${first} … ${last}`],
    ['parameters', countText(size(layers))],
    [
      'frozen',
      frozen.length === 0 ? undefined : `${frozen.length} tensors, ${countText(size(frozen))}`,
    ],
    ['memory', gone ? 'none: it is disposed' : bytesText(4 * size(all))],
  ];
}
