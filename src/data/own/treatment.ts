/**
 * # What was done to an image
 *
 * A score is about what the model saw. So every change between the file and the model's input is
 * recorded for each image.
 */
import type { Size } from '../formats/resize';
import type { Plan, Target } from './fit-to-model';

export interface Treatment {
  /** The size in the file, upright. */
  readonly from: Size;
  /** Whether it was turned or mirrored, as EXIF says. */
  readonly turned: boolean;
  /** Whether parts around the middle were cut off. */
  readonly cropped: boolean;
  /** Whether it was resized, after any cropping. */
  readonly resized: boolean;
  /** Whether black was put around it. */
  readonly padded: boolean;
  readonly greyToColour: boolean;
  /** The number of images in the file; this is the first. */
  readonly frames: number;
  /**
   * The values it was converted from, such as '16 bits' or 'float32 in 0..1'; absent if it had 8
   * bits.
   */
  readonly values?: string;
}

/** The geometrical part of the treatment, from the plan. */
export function geometry(from: Size, plan: Plan, target: Target) {
  const differs = (a: Size, b: Size) => a.height !== b.height || a.width !== b.width;
  return {
    from: { height: from.height, width: from.width },
    cropped: differs(plan.from, from),
    resized: differs(plan.from, plan.to),
    padded: differs(plan.to, target),
  };
}

/** As text for a column: `turned; resized from 4000x3000`, or '' if nothing was done. */
export function treatmentText(treatment: Treatment): string {
  const { from, turned, cropped, resized, padded, greyToColour, frames, values } = treatment;
  return [
    frames > 1 ? `first of ${frames} frames` : '',
    turned ? 'turned' : '',
    values === undefined ? '' : `from ${values}`,
    greyToColour ? 'grey to colour' : '',
    cropped ? `cropped from ${from.width}x${from.height}` : '',
    resized ? `resized${cropped ? '' : ` from ${from.width}x${from.height}`}` : '',
    padded ? 'padded' : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}
