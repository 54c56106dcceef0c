/**
 * # Data: images in, always 8-bit, always 32x32
 *
 * `dataset(name, split)` finds and reads a set, `batches` and `pixels` stream it, `describe` and
 * `contactSheet` show it; `download` fetches the official files, verifies them and converts them to
 * the common layout.
 */
export { type BatchOptions, batches, imagesFor, pixels } from './batches';
export { contactSheet } from './contact-sheet';
export { type Dataset, dataset, type Images, SIDE } from './dataset';
export { type Description, describe, descriptionText } from './describe';
export { type Downloaded, type DownloadOptions, download, type Step } from './download';
export { cacheFolder, find } from './find';
export { type ImageRow, type PlaceRange, type RowPart, rowOf } from './image-row';
export { channelsOf, type ImageSet, imageSet, isSetName, setOrPath } from './image-set';
export { npyHeader, npyShape } from './npy';
export { LAYOUTS, type Layout } from './own/array-layout';
export { FITS, type Fit } from './own/fit-to-model';
export { VALUES, type Values } from './own/own-array';
export type { LeftOut } from './own/read-own-file';
export { type Treatment, treatmentText } from './own/treatment';
export {
  type ArrayReading,
  type Own,
  type OwnImages,
  type OwnOptions,
  ownImages,
} from './own-images';
export { ownLabels } from './own-labels';
export { ownRow } from './own-row';
export { noiseIndices } from './pixel-indices';
export { joinedHalves, shuffledPatches, upsideDown } from './rearranged';
export { setRow } from './set-row';
export { DATA_SETS, type DataSet, type DataSetName, dataSet, SPLITS, type Split } from './sets';
export { picked, shuffled } from './shuffled';
export { scrambledPhases, surrogates } from './surrogate';
