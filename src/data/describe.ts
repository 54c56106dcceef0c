/**
 * # What a data set looks like, in numbers
 *
 * The number of images, the number in each class, and the mean and standard deviation of each
 * channel. These are of pixels / 255 over all images and positions, as the literature gives them.
 * For grey sets they are of the padded 32x32 images, which is what a model sees.
 */
import type { Dataset } from './dataset';
import { dataSet } from './sets';

export interface Description {
  readonly count: number;
  /** The mean of pixel / 255 for each channel. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The number of images in each class; empty if there are no labels. */
  readonly classes: readonly number[];
}

export function describe({ images, count, shape, labels }: Dataset): Description {
  const channels = shape[2];
  const mean: number[] = [];
  const std: number[] = [];
  for (let c = 0; c < channels; c++) {
    // Sums over a histogram are exact, whatever the size of the set.
    const histogram = new Float64Array(256);
    for (let i = c; i < images.length; i += channels)
      (histogram[images[i] as number] as number) += 1;
    const n = images.length / channels;
    const first = histogram.reduce((sum, times, value) => sum + times * value, 0) / n;
    const second =
      histogram.reduce((sum, times, value) => sum + times * (value - first) ** 2, 0) / n;
    mean.push(first / 255);
    std.push(Math.sqrt(second) / 255);
  }
  const classes: number[] = [];
  for (const label of labels ?? []) {
    while (classes.length <= label) classes.push(0);
    (classes[label] as number) += 1;
  }
  return { count, mean, std, classes };
}

/** The description as text, with source, licence and reference. */
export function descriptionText(set: Dataset): string {
  const { mean, std, classes } = describe(set);
  const { title, labels, cite } = dataSet(set.name);
  const rounded = (values: readonly number[]) => values.map((value) => value.toFixed(4)).join(' ');
  return [
    `${set.name}: ${title}`,
    `source   ${set.source}`,
    `images   ${set.count} of ${set.shape.join('x')}, 8 bits`,
    `mean     ${rounded(mean)}   (of pixel / 255${set.shape[2] === 3 ? '; red green blue' : ''})`,
    `std      ${rounded(std)}`,
    `labels   ${labels}`,
    ...(classes.length === 0 ? [] : [`classes  ${classes.join(' ')}`]),
    `licence  ${set.licence}`,
    `cite     ${cite}`,
  ].join('\n');
}
