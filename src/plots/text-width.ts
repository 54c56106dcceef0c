/**
 * # How wide a text is
 *
 * Legends, margins and tick labels are laid out by the widths of their texts. A browser knows them;
 * `jsdom` does not. They are added up here from the advance widths in the font file:
 * `width = size · Σ advance(glyph) / unitsPerEm`, kerning included.
 *
 * The font is Arimo (S. Matteson; Apache licence), which has the widths of Arial and Liberation
 * Sans. So a figure measured here also fits in a browser that has one of these instead, and nothing
 * depends on the fonts of the machine that draws it.
 */
import { readFileSync } from 'node:fs';
import type { Font } from 'opentype.js';

/** Font files of the figures, for the rasteriser: regular and bold. */
export const FONT_FILES = {
  regular: require.resolve('@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf'),
  bold: require.resolve('@expo-google-fonts/arimo/700Bold/Arimo_700Bold.ttf'),
} as const;

export type FontWeight = keyof typeof FONT_FILES;

/** Arimo's own ascent and descent as shares of the size. */
export const ASCENT = 0.905;
export const DESCENT = 0.212;

const fonts = new Map<FontWeight, Font>();

/** The width of one line of text in pixels, at a size in pixels. */
export function textWidth(text: string, size: number, weight: FontWeight = 'regular'): number {
  let font = fonts.get(weight);
  if (font === undefined) {
    const { parse } = require('opentype.js') as typeof import('opentype.js');
    const file = readFileSync(FONT_FILES[weight]);
    font = parse(
      file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer,
    );
    fonts.set(weight, font);
  }
  return font.getAdvanceWidth(text, size);
}
