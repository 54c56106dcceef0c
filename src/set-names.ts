/**
 * # The names people read
 *
 * The program calls a data set `fashion_mnist`; people write Fashion-MNIST. Tables and figures take
 * the names from here, so that one set has one name everywhere.
 */
const LABELS: Readonly<Record<string, string>> = {
  fashion_mnist: 'Fashion-MNIST',
  mnist: 'MNIST',
  kmnist: 'KMNIST',
  emnist_letters: 'EMNIST letters',
  omniglot: 'Omniglot',
  notmnist: 'notMNIST',
  cifar10: 'CIFAR-10',
  svhn: 'SVHN',
  gtsrb: 'GTSRB',
  celeba: 'CelebA',
  imagenet32: 'ImageNet32',
  tinyimagenet32: 'Tiny-ImageNet',
  cifar100: 'CIFAR-100',
};

/** The name of a data set as people write it; other words come back as they are. */
export function labelOf(name: string): string {
  return LABELS[name] ?? name;
}
