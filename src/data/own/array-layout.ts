/**
 * # What the dimensions of an array mean
 *
 * N images, H rows, W columns, C channels, in one of six orders. The order follows from the shape
 * if only one reading gives images: C must be 1, 3 or what the model takes, and an image has at
 * least four rows and four columns, so `[28, 28, 1]` is one grey image and not 28 strips. `[3, 32,
 * 32]` may be one colour image or three grey ones; then the user has to say which.
 */
import { FisherlabError } from '../../errors';
import { Unusable } from './unusable';

export const LAYOUTS = ['HW', 'HWC', 'CHW', 'NHW', 'NHWC', 'NCHW'] as const;
export type Layout = (typeof LAYOUTS)[number];

const LEAST_SIDE = 4;

/** The length of an axis, and the distance of its neighbours in the flat array. */
export interface Axis {
  readonly length: number;
  readonly stride: number;
}

/** The axes of a layout; an axis that the layout does not name has length 1. */
export interface Arrangement {
  readonly layout: Layout;
  readonly N: Axis;
  readonly H: Axis;
  readonly W: Axis;
  readonly C: Axis;
}

/**
 * Finds out which axis of an array is which.
 * @throws {Unusable} if no layout fits the shape, or if the given one does not
 * @throws {FisherlabError} if more than one fits and none was given
 */
export function arrangement(
  file: string,
  shape: readonly number[],
  fortran: boolean,
  channels: number,
  layout?: Layout,
): Arrangement {
  const text = `has shape [${shape.join(', ')}]`;
  const those = LAYOUTS.filter((one) => one.length === shape.length);
  const choices = those.length > 0 ? those : LAYOUTS;
  if (layout !== undefined) {
    if (layout.length !== shape.length)
      throw new Unusable(
        `${text}, which is not ${layout}`,
        `choose a layout of ${shape.length} letters, or give none`,
      );
    return arranged(layout, shape, fortran);
  }
  const possible = those
    .map((one) => arranged(one, shape, fortran))
    .filter(({ H, W, C }) => {
      const known = [1, 3, channels].includes(C.length);
      return known && H.length >= LEAST_SIDE && W.length >= LEAST_SIDE;
    });
  const [first, ...others] = possible;
  if (first === undefined)
    throw new Unusable(
      `${text}, in which no images of 1, 3 or ${channels} channels were found`,
      `if it holds images, give its layout: ${choices.join(', ')}`,
    );
  if (others.some((other) => !areSame(first, other)))
    throw new FisherlabError(
      `'${file}' ${text}, which may be ${possible.map(({ layout: one }) => one).join(' or ')}`,
      `give the layout: ${possible.map(inWords).join(', ')}`,
    );
  return first;
}

function arranged(layout: Layout, shape: readonly number[], fortran: boolean): Arrangement {
  const axis = (name: string): Axis => {
    const at = layout.indexOf(name);
    if (at < 0) return { length: 1, stride: 0 };
    const inner = fortran ? shape.slice(0, at) : shape.slice(at + 1);
    return { length: shape[at] as number, stride: inner.reduce((a, b) => a * b, 1) };
  };
  return { layout, N: axis('N'), H: axis('H'), W: axis('W'), C: axis('C') };
}

/** `[1, 28, 28]` is one grey image, whether its first axis is called N or C. */
function areSame(a: Arrangement, b: Arrangement): boolean {
  return (['N', 'H', 'W', 'C'] as const).every((name) => a[name].length === b[name].length);
}

const inWords = ({ layout, N, H, W, C }: Arrangement): string =>
  `${layout} (${N.length} of ${W.length}x${H.length} in ${C.length === 1 ? 'grey' : `${C.length} channels`})`;
