/**
 * # Images that cannot be used
 *
 * Thrown for a picture or array that cannot be used, with the reason and how to fix it.
 * `own-images.ts` catches it, leaves the file out and continues.
 */
export class Unusable extends Error {
  /**
   * @param reason continues a sentence after the file's name: "is transparent in places"
   * @param fix what to do about it
   */
  constructor(
    readonly reason: string,
    readonly fix: string,
  ) {
    super(`${reason}; ${fix}`);
  }
}

/** The most pixels of one image: photographs have up to 102 million. */
export const MOST_PIXELS = 110_000_000;

/** @throws {Unusable} if the header promises an image without pixels or with too many */
export function assertSize(height: number, width: number): void {
  if (height * width < 1) throw new Unusable('has no pixels', 'remove it');
  if (height * width > MOST_PIXELS)
    throw new Unusable(
      `has ${width}x${height} pixels, more than the ${MOST_PIXELS / 1e6} million that are read`,
      'make it smaller first',
    );
}
