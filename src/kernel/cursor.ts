/**
 * # Positions in a text
 *
 * Jupyter counts code points, JavaScript counts UTF-16 units: an emoji is one code point and two
 * units.
 */

/** The UTF-16 offset of a code point's position. */
export const toUtf16 = (text: string, position: number): number =>
  [...text].slice(0, position).join('').length;

/** The position, in code points, of a UTF-16 offset. */
export const toCodePoints = (text: string, offset: number): number =>
  [...text.slice(0, offset)].length;
