/**
 * # The kernel that is measured
 *
 * Starts a kernel as Jupyter does, in the folder of the notebooks.
 */
import path from 'node:path';
import { loader } from './hook';

export const NOTEBOOKS = path.join(loader.root, 'notebooks');

/** Node's arguments to start the kernel with a connection file. */
export const OWN = (file: string): string[] => [
  path.join(loader.root, 'src', 'kernel', 'main.cjs'),
  file,
];
