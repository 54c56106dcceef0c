/**
 * # The language in the metadata of notebooks
 *
 * Jupyter writes this into the metadata of every notebook it saves. It is defined only here, so
 * opening and saving one of the project's notebooks changes nothing.
 */

export const LANGUAGE_INFO = {
  codemirror_mode: { mode: 'typescript', name: 'javascript', typescript: true },
  file_extension: '.ts',
  mimetype: 'text/typescript',
  name: 'typescript',
  version: '5.9',
} as const;

/** The kernel that a notebook is opened with. */
export const KERNELSPEC = {
  display_name: 'TypeScript (fisherlab)',
  language: 'typescript',
  name: 'fisherlab',
} as const;
