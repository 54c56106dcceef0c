#!/usr/bin/env node
/**
 * # The command `fisherlab`
 *
 * Lets Node read TypeScript (`src/kernel/loader.cjs`) and hands over to `src/cli/main.ts`. What a
 * person can put right is one line; anything else is a defect and keeps its stack. Either way the
 * exit status is 1.
 */

/**
 * @type {NodeJS.Require} not called `require`, as the type checker follows no path that only the
 *   hook can load
 */
const load = require;

try {
  load('../src/kernel/loader.cjs').install();
} catch {
  console.error('the npm packages are not installed; run npm run setup');
  process.exit(1);
}
/** @param {unknown} error */
function end(error) {
  console.error(error instanceof Error && error.name === 'FisherlabError' ? error.message : error);
  process.exitCode = 1;
}

try {
  /** @type {typeof import('../src/cli/main')} */
  const { main } = load('../src/cli/main.ts');
  main(process.argv).catch(end);
} catch (error) {
  end(error);
}
