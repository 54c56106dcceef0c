/**
 * # The kernel that is measured
 *
 * It is started as Jupyter starts it, in the folder of the notebooks.
 */
import path from 'node:path';
import { loader } from './hook';

export const NOTEBOOKS = path.join(loader.root, 'notebooks');

/** The arguments of Node for the kernel, given its connection file. */
export const OWN = (file: string): string[] => [
  path.join(loader.root, 'src', 'kernel', 'main.cjs'),
  file,
];
