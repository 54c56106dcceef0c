/**
 * # When a graph pays
 *
 * A pass can run operation by operation, or be recorded once and replayed as a graph
 * (`backend/graph.ts`), in which every core takes a few images at a time and keeps their numbers in
 * its cache. Making the graph takes about 3 ms a layer (0.8 to 1.3 s for the 345 of a small Glow).
 * Replaying it saves about 2 ms of processor time an image for each megabyte of the image's
 * tensors, and no core waits for another. So with J layers and b bytes an image, a graph pays if
 *
 *     images · b ≥ 1.5 MB · J.
 *
 * This is the one place that decides, for features, training, and the Fisher information.
 */

/** The work of a series of passes. */
export interface Work {
  /** Images in all, over all passes. */
  readonly images: number;
  /** Bytes that an image's tensors take in a pass (`bytesPerImage`): b. */
  readonly bytes: number;
  /** J. */
  readonly layers: number;
}

const WORTH_A_GRAPH = 1.5e6;

/** Whether a graph saves more time than making it takes. */
export function graphPays({ images, bytes, layers }: Work): boolean {
  return images * bytes >= WORTH_A_GRAPH * layers;
}

/**
 * Images that a core takes at once in a graph: so many whose tensors (all of a pass, few of which
 * are needed at a time) are below these bytes.
 */
const BYTES_OF_A_PART = 150e6;
export const MOST_IN_A_PART = 16;
const LEAST_IN_A_PART = 4;

/** How many images of `bytes` bytes each a core takes at once, from 4 to 16. */
export function imagesOfAPart(bytes: number): number {
  return Math.max(LEAST_IN_A_PART, Math.min(MOST_IN_A_PART, Math.floor(BYTES_OF_A_PART / bytes)));
}
