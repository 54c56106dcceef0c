/**
 * # Saying what goes on
 *
 * A step says what it is, how far it is and how long it has taken. On a terminal one line is
 * rewritten; elsewhere (a log, continuous integration) there is a plain line at the start, every
 * ten seconds, and at the end.
 */

/**
 * @typedef {object} Output where the lines go: `process.stderr`, or a stand-in
 * @property {(text: string) => unknown} write
 * @property {boolean} [isTTY]
 */

/**
 * Runs `work` as a named step.
 *
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @param {{ output?: Output, fraction?: () => number | null, plainEvery?: number }} [options]
 *   `fraction` tells how much is done, 0 … 1, or null where that cannot be known; `plainEvery` is
 *   the time in ms between two plain lines
 * @returns {Promise<T>} what `work` gives; its error passes through
 */
export async function step(
  title,
  work,
  { output = process.stderr, fraction, plainEvery = 10_000 } = {},
) {
  const begin = Date.now();
  const rewrite = output.isTTY === true;
  const seconds = () => `${Math.round((Date.now() - begin) / 1000)} s`;
  const state = () => {
    const done = fraction?.() ?? null;
    return `${title}: ${done === null ? '' : `${Math.floor(100 * Math.min(0.99, Math.max(0, done)))} %, `}${seconds()}`;
  };
  output.write(rewrite ? title : `${title} …\n`);
  const timer = setInterval(
    () => output.write(rewrite ? `\r\x1b[K${state()}` : `${state()}\n`),
    rewrite ? 500 : plainEvery,
  );
  /** @param {string} end */
  const close = (end) => {
    clearInterval(timer);
    output.write(`${rewrite ? '\r\x1b[K' : ''}${title}: ${end}\n`);
  };
  try {
    const result = await work();
    close(`done, ${seconds()}`);
    return result;
  } catch (error) {
    close(`not done, ${seconds()}`);
    throw error;
  }
}
