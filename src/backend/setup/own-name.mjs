/**
 * # The library under its own name
 *
 * The last step of `npm run build`: a link `node_modules/fisherlab` to the clone. The project's own
 * kernel needs none; but tslab's TypeScript 5.0 looks for packages in `node_modules` alone, and
 * with the link notebooks that say `import … from 'fisherlab'` run in tslab, too.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

const here = path.dirname(process.argv[1] ?? '');
const packages = path.resolve(here, '..', '..', '..', 'node_modules');
const link = path.join(packages, 'fisherlab');

mkdirSync(packages, { recursive: true });
rmSync(link, { force: true });
symlinkSync('..', link, 'junction'); // of Windows; elsewhere an ordinary link
