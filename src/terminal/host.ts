/**
 * # Where output goes
 *
 * The same calls work in a notebook cell and in a plain Node program. In a cell, output goes to the
 * kernel, which displays it; elsewhere it goes to the terminal or a file as lines of text.
 */

/** A kernel that shows several forms of one thing at once, and leaves the choice to Jupyter. */
interface Kernel {
  display(
    bundle: Readonly<Record<string, string>>,
    options?: { readonly metadata?: Readonly<Record<string, unknown>> },
  ): void;
}

const kernel = (): Kernel | undefined =>
  (globalThis as { __fisherlabKernel?: Kernel }).__fisherlabKernel;

/** Whether the code runs in a cell: a kernel sets this flag before it runs the first one. */
export function inNotebook(): boolean {
  return kernel() !== undefined || '__tslab__' in globalThis;
}

/**
 * tslab's displays; the project's kernel puts its own in their place. Loaded late, since tslab
 * brings a whole TypeScript compiler with it.
 */
export function kernelDisplay(): typeof import('tslab') {
  return require('tslab');
}

/** Of which tslab, which sends one form, shows the first there is. A PNG is seen everywhere. */
const BEST = ['image/png', 'text/html', 'text/plain'];

/**
 * Shows one thing below the cell.
 *
 * @param bundle its forms by MIME type; pictures but SVG in base64
 * @param metadata what Jupyter has to be told about them
 */
export function display(
  bundle: Readonly<Record<string, string>>,
  metadata: Readonly<Record<string, unknown>> = {},
): void {
  const host = kernel();
  if (host !== undefined) {
    host.display(bundle, { metadata });
    return;
  }
  const type = BEST.find((one) => one in bundle) ?? 'text/plain';
  const content = bundle[type] ?? '';
  kernelDisplay().display.raw(
    type,
    type === 'image/png' ? Buffer.from(content, 'base64') : content,
  );
}
