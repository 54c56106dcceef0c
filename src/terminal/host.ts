/**
 * # Who shows what the program says
 *
 * The same calls serve a cell of a notebook and a plain program run with Node. In a cell the kernel
 * shows what it is given; elsewhere lines go to the terminal or a file.
 */
/** Whether the code runs in a cell: this project's kernel and tslab's each leave their mark. */
export function inNotebook(): boolean {
  return '__fisherlabKernel' in globalThis || '__tslab__' in globalThis;
}

/**
 * tslab's displays; the project's kernel puts its own in their place. Loaded late, since tslab
 * brings a whole TypeScript compiler with it.
 */
export function kernelDisplay(): typeof import('tslab') {
  return require('tslab');
}
