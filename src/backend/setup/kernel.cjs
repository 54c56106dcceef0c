/**
 * # The notebook kernel of whichever clone a notebook lies in
 *
 * One Python environment serves all clones of a user, so its kernel must not name one of them: this
 * file, started by Jupyter in the notebook's folder, looks upwards for the clone's own tslab and
 * hands over to it.
 */
const { existsSync } = require('node:fs');
const path = require('node:path');

let folder = process.cwd();
while (!existsSync(path.join(folder, 'node_modules', 'tslab', 'dist', 'main.js'))) {
  const parent = path.dirname(folder);
  if (parent === folder) {
    console.error(
      `no tslab was found above ${process.cwd()}; keep notebooks inside a fisherlab clone that is set up (npm run setup)`,
    );
    process.exit(1);
  }
  folder = parent;
}
const { startKernel } = require(path.join(folder, 'node_modules', 'tslab', 'dist', 'main.js'));
startKernel({ configPath: process.argv[2], enableFindLocal: false });
