/**
 * # One colour for each data set
 *
 * A reader who has learned in the first figure that Fashion-MNIST is blue should find it blue in
 * the last one. The colours of the grey data sets, and those of the colour data sets, stay apart
 * for readers with any of the common forms of colour blindness: the first group is Okabe and Ito's
 * palette (*Color Universal Design*, 2008), the second follows P. Tol's *bright* and *muted*
 * schemes (SRON/EPS/TN/09-002). The test simulates protanopia, deuteranopia and tritanopia and
 * measures the distance of every pair within a group.
 */

import { labelOf } from '../set-names';

/** `#rrggbb` of every data set, by its name in `src/data`. */
export const DATA_SET_COLOURS: Readonly<Record<string, string>> = {
  fashion_mnist: '#0072b2',
  mnist: '#d55e00',
  kmnist: '#009e73',
  emnist_letters: '#cc79a7',
  omniglot: '#e69f00',
  notmnist: '#56b4e9',
  cifar10: '#332288',
  svhn: '#ee6677',
  gtsrb: '#117733',
  celeba: '#ddaa33',
  imagenet32: '#aa4499',
  tinyimagenet32: '#66ccee',
  cifar100: '#444444',
};

/**
 * Colours for series that are not data sets (methods, layers, terms of a sum), in the order in
 * which they are used.
 */
export const SERIES_COLOURS: readonly string[] = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#555555',
];

/**
 * Colours of the three detectors that are compared most. The paper's stands out in colour and in
 * grey; the two it is compared with are muted.
 */
export const METHOD_COLOURS: Readonly<Record<string, string>> = {
  'layer-wise gradients': '#9c0f4f',
  typicality: '#6d95c4',
  likelihood: '#a9b2bd',
};

/**
 * The fixed colour of a data set or of a detector, by its name or its label; any other series takes
 * the `index`-th of the series colours.
 */
export function colourOf(name: string, index = 0): string {
  const known = Object.keys(DATA_SET_COLOURS).find((set) => set === name || labelOf(set) === name);
  return (
    METHOD_COLOURS[name] ??
    (known && DATA_SET_COLOURS[known]) ??
    (SERIES_COLOURS[index % SERIES_COLOURS.length] as string)
  );
}

/** `#rrggbb` at an opacity between 0 and 1, as plotly reads it. */
export function withOpacity(colour: string, opacity: number): string {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${opacity})`;
}
