/**
 * # How values are shown
 *
 * The last expression of a cell is its result. Values of this program are shown by more than their
 * fields: a tensor by its range, a model by its size, a data set by its first images, a figure as a
 * picture. Anything else is left to Node.
 *
 * Values are recognised by their properties, not by their class. A module that was loaded again has
 * new classes, and values made by the older ones must still be shown.
 */

import { type Bundle, figureData, isFigure } from './value-figure';
import { imagesData, isImages } from './value-images';
import { isLayer, isLoadedModel, isModel, loadedModelData, modelData } from './value-model';
import { arrayData, isLongArray, isTensor, tensorData } from './value-numbers';
import { featureTableData, frameData, isFeatureTable, isFrame } from './value-table';

/** A way to show the values that fit it. */
interface Shown<T extends object> {
  readonly fits: (value: object) => value is T;
  readonly data: (value: T) => Bundle | Promise<Bundle>;
}

const shown = <T extends object>(fits: Shown<T>['fits'], data: Shown<T>['data']) => ({
  fits,
  data: data as (value: object) => Bundle | Promise<Bundle>,
});

const KINDS = [
  shown(isTensor, (tensor) => tensorData(tensor)),
  shown(isLayer, ({ name, variable }) => tensorData(variable, name)),
  shown(isLoadedModel, loadedModelData),
  shown(isModel, modelData),
  shown(isImages, imagesData),
  shown(isFeatureTable, featureTableData),
  shown(isFrame, frameData),
  shown(isFigure, figureData),
  shown(isLongArray, arrayData),
];

/**
 * A value as texts by MIME type, always including `text/plain`; undefined for values that Node
 * shows well enough. The value is not changed, and no tensor is made.
 */
export function richData(value: unknown): Promise<Bundle> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const kind = KINDS.find(({ fits }) => fits(value));
  return kind && Promise.resolve(value).then(kind.data);
}
