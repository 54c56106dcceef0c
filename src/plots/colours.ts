/**
 * # One colour and one name for each data set
 *
 * A reader who has learned in the first figure that Fashion-MNIST is blue should find it blue in the last one. The colours of the grey
 * data sets, and those of the colour data sets, stay apart for readers with any of the common forms of colour blindness: the first group is
 * Okabe and Ito's palette (*Color Universal Design*, 2008), the second follows P. Tol's *bright* and *muted* schemes (SRON/EPS/TN/09-002).
 * The test simulates protanopia, deuteranopia and tritanopia and measures the distance of every pair within a group.
 */

export interface DataSetStyle {
  /** As people write it: `Fashion-MNIST`. */
  readonly label: string;
  /** `#rrggbb` */
  readonly colour: string;
}

/** Label and colour of every data set, by its name in `src/data`. */
export const DATA_SET_STYLES: Readonly<Record<string, DataSetStyle>> = {
  fashion_mnist: { label: 'Fashion-MNIST', colour: '#0072b2' },
  mnist: { label: 'MNIST', colour: '#d55e00' },
  kmnist: { label: 'KMNIST', colour: '#009e73' },
  emnist_letters: { label: 'EMNIST letters', colour: '#cc79a7' },
  omniglot: { label: 'Omniglot', colour: '#e69f00' },
  notmnist: { label: 'notMNIST', colour: '#56b4e9' },
  cifar10: { label: 'CIFAR-10', colour: '#332288' },
  svhn: { label: 'SVHN', colour: '#ee6677' },
  gtsrb: { label: 'GTSRB', colour: '#117733' },
  celeba: { label: 'CelebA', colour: '#ddaa33' },
  imagenet32: { label: 'ImageNet32', colour: '#aa4499' },
  tinyimagenet32: { label: 'Tiny-ImageNet', colour: '#66ccee' },
  cifar100: { label: 'CIFAR-100', colour: '#444444' },
};

/** Colours for series that are not data sets (methods, layers, terms of a sum), in the order in which they are to be taken. */
export const SERIES_COLOURS: readonly string[] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#555555'];

/** The name of a data set as people write it; other words come back as they are. */
export function labelOf(name: string): string {
  return DATA_SET_STYLES[name]?.label ?? name;
}

/** The fixed colour of a data set, by its name or its label; any other series takes the `index`-th of the series colours. */
export function colourOf(name: string, index = 0): string {
  const known = DATA_SET_STYLES[name] ?? Object.values(DATA_SET_STYLES).find((style) => style.label === name);
  return known?.colour ?? (SERIES_COLOURS[index % SERIES_COLOURS.length] as string);
}

/** `#rrggbb` at an opacity between 0 and 1, as plotly reads it. */
export function withOpacity(colour: string, opacity: number): string {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${opacity})`;
}
