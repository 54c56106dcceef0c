/**
 * # JPEG and PNG to pixels
 *
 * Pictures are decoded by sharp (libvips). A picture that claims more than `MOST_PIXELS` is refused
 * before it is decoded. A damaged one is an error; it does not become a grey patch.
 */
import type { Sharp } from 'sharp';
import type { Raster } from './resize';

const MOST_PIXELS = 4_000_000;

/** A picture for further work with sharp. */
export function picture(bytes: Buffer, mostPixels = MOST_PIXELS): Sharp {
  const sharp = require('sharp') as typeof import('sharp').default;
  // Each picture is decoded only once, so libvips need not cache it; for a progressive photograph
  // of 100 megapixels its cache would take some 300 MB.
  sharp.cache(false);
  return sharp(bytes, { limitInputPixels: mostPixels, failOn: 'error' });
}

/** Decodes to RGB (`channels` 3, grey ones repeated) or grey (1). */
export async function raster(bytes: Buffer, channels: 1 | 3): Promise<Raster> {
  const opaque = picture(bytes).removeAlpha();
  const spaced = channels === 1 ? opaque.toColourspace('b-w') : opaque.toColourspace('srgb');
  const { data, info } = await spaced.raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== channels)
    throw new Error(`a picture has ${info.channels} channels, not ${channels}`);
  return { data, width: info.width, height: info.height, channels };
}
