/**
 * # Who shows what the program says
 *
 * The same calls serve a cell of a notebook and a plain program run with Node. In a cell the kernel
 * shows what it is given; elsewhere lines go to the terminal or a file.
 */
/** Whether the code runs in a cell: tslab's executor leaves its mark before the first one. */
export function inNotebook(): boolean {
  return '__tslab__' in globalThis;
}

/** tslab's displays; loaded late because it brings a whole TypeScript compiler with it. */
export function kernelDisplay(): typeof import('tslab') {
  return require('tslab');
}
