/**
 * # What was done to an image
 *
 * A score is of what the model saw, so whatever lies between the file and that is kept for each
 * image.
 */
import type { Size } from '../formats/resize';
import type { Plan, Target } from './fit-to-model';

export interface Treatment {
  /** The size in the file, upright. */
  readonly from: Size;
  /** Turned or mirrored, as EXIF says. */
  readonly turned: boolean;
  /** Something around the middle was cut off. */
  readonly cropped: boolean;
  /** What is left was brought to another size. */
  readonly resized: boolean;
  /** Black was put around it. */
  readonly padded: boolean;
  readonly greyToColour: boolean;
  /** The file has so many images and this is the first. */
  readonly frames: number;
  /** Brought to 8 bits from other values: '16 bits', 'float32 in 0..1'; absent where it had 8. */
  readonly values?: string;
}

/** The geometrical part, from the plan. */
export function geometry(from: Size, plan: Plan, target: Target) {
  const differs = (a: Size, b: Size) => a.height !== b.height || a.width !== b.width;
  return {
    from: { height: from.height, width: from.width },
    cropped: differs(plan.from, from),
    resized: differs(plan.from, plan.to),
    padded: differs(plan.to, target),
  };
}

/** In words, for a column: `turned; resized from 4000x3000`, or '' where nothing was done. */
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
