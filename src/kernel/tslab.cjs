/**
 * # tslab's displays, shown by this kernel
 *
 * Cells with `import { display, newDisplay } from 'tslab'` work unchanged: the kernel replaces the
 * package, which would load a whole TypeScript compiler, by this module. The interface is that of
 * tslab 1.0.22.
 */
'use strict';

const { randomBytes } = require('node:crypto');

/**
 * @param {Record<string, string>} bundle what to show, by MIME type
 * @param {{ displayId?: string, update?: boolean }} [options]
 */
const show = (bundle, options) =>
  /** @type {any} */ (globalThis).__fisherlabKernel.display(bundle, options);

const TYPES = {
  javascript: 'text/javascript',
  html: 'text/html',
  markdown: 'text/markdown',
  latex: 'text/latex',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  pdf: 'application/pdf',
  text: 'text/plain',
};

/**
 * @param {string} [displayId] displays with one are overwritten in place
 */
function displayWith(displayId) {
  let update = false;
  /** @type {(type: string, content: string | Uint8Array) => void} */
  const raw = (type, content) => {
    const text = typeof content === 'string' ? content : Buffer.from(content).toString('base64');
    show({ [type]: text }, displayId === undefined ? {} : { displayId, update });
    update = displayId !== undefined;
  };
  const methods = Object.entries(TYPES).map(([name, type]) => [
    name,
    (/** @type {string | Uint8Array} */ content) => raw(type, content),
  ]);
  return { ...Object.fromEntries(methods), raw };
}

module.exports = {
  display: displayWith(),
  newDisplay: () => displayWith(randomBytes(8).toString('hex')),
  versions: {
    tslab: require('tslab/package.json').version,
    typescript: require('typescript/package.json').version,
    node: process.version,
  },
};
