/**
 * # The notebook kernel of whichever clone a notebook lies in
 *
 * One Python environment serves all clones of a user, so its kernels must not name one of them:
 * this file, started by Jupyter in the notebook's folder, looks upwards for the clone and hands
 * over to the kernel there.
 *
 *     node kernel.cjs CONNECTION_FILE fisherlab [CLONE]
 *
 * The second argument is `fisherlab` (`src/kernel`) or `tslab`. The third, where there is one, is
 * the clone for notebooks that lie in none.
 */
const { existsSync } = require('node:fs');
const path = require('node:path');

const [connection, name = 'fisherlab', clone] = process.argv.slice(2);
const tslab = ['node_modules', 'tslab', 'dist', 'main.js'];
const own = ['src', 'kernel', 'main.cjs'];
const wanted = name === 'tslab' ? tslab : own;

/**
 * @param {string} folder
 * @returns {boolean} whether a set-up clone lies there
 */
const isClone = (folder) =>
  existsSync(path.join(folder, ...wanted)) && existsSync(path.join(folder, 'node_modules'));

/** @returns {string | undefined} */
function findClone() {
  let folder = process.cwd();
  while (!isClone(folder)) {
    const parent = path.dirname(folder);
    if (parent === folder) return clone !== undefined && isClone(clone) ? clone : undefined;
    folder = parent;
  }
  return folder;
}

const folder = findClone();
if (folder === undefined) {
  console.error(
    `no fisherlab clone was found above ${process.cwd()}; keep notebooks inside one that is set up (npm run setup)`,
  );
  process.exit(1);
}
const { startKernel } = require(path.join(folder, ...wanted));
startKernel(name === 'tslab' ? { configPath: connection, enableFindLocal: false } : connection);
