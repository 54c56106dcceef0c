/**
 * # A data set as an output
 *
 * Shows the number of images, their shape, source and licence, the number in each class, and a
 * strip of the first ones.
 */
import { countText, factsData, shapeText } from './value-facts';
import { type Bundle, drawing, figureData } from './value-figure';

const STRIP = 10;
const SIDE = 48;

/** The part of a data set, or of your own images, that is shown. */
interface ImagesFacts {
  readonly name: string;
  /** Flat, [count × H × W × C], 0..255. */
  readonly images: Uint8Array;
  readonly count: number;
  /** [H, W, C]. */
  readonly shape: readonly [number, number, number];
  readonly split?: string;
  readonly source?: string;
  readonly licence?: string;
  readonly labels?: Uint8Array;
}

export function isImages(value: object): value is ImagesFacts {
  const { name, images, count, shape } = value as Partial<ImagesFacts>;
  if (typeof name !== 'string' || typeof count !== 'number' || !Array.isArray(shape)) return false;
  return images instanceof Uint8Array && images.length === count * product(shape);
}

export async function imagesData(set: ImagesFacts): Promise<Bundle> {
  const { name, split, images, count, shape, source, licence, labels } = set;
  const headline = split === undefined ? name : `${name}, ${split}`;
  const facts = [
    ['images', `${countText(count)} of ${shapeText(shape)}, 8 bits`],
    ['classes', labels === undefined ? undefined : classesText(labels)],
    ['source', source],
    ['licence', licence],
  ] as const;
  const shown = Math.min(STRIP, count);
  if (shown === 0) return factsData(headline, facts);
  const strip = drawing().imageGrid(images.subarray(0, shown * product(shape)), [shown, ...shape], {
    columns: STRIP,
    side: SIDE,
  });
  const picture = await figureData(strip);
  const png = picture['image/png'] as string;
  const width = strip.layout.width as number;
  // Jupyter shows either the HTML or the picture, so the picture must be part of the HTML.
  const below = `<img alt="the first ${shown} images" width="${Math.round(width)}" src="data:image/png;base64,${png}">`;
  return { ...picture, ...factsData(headline, facts, below) };
}

/** `10, of 200 images each`, or of how many to how many. */
function classesText(labels: Uint8Array): string {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const sizes = [...counts.values()].sort((a, b) => a - b);
  const [least, most] = [sizes[0] ?? 0, sizes[sizes.length - 1] ?? 0];
  const each = least === most ? `${countText(least)}` : `${countText(least)} to ${countText(most)}`;
  return `${counts.size}, of ${each} images each`;
}

const product = (shape: readonly number[]): number => shape.reduce((size, axis) => size * axis, 1);
