/**
 * # The process in which a notebook runs without Jupyter
 *
 * Started by `src/notebook/run.ts` in the notebook's folder, with a channel to it.
 */
'use strict';

const path = require('node:path');
const loader = require('./loader.cjs');

/** @type {NodeJS.Require} not called `require`: only the hook can load what it is for */
const load = require;

loader.install();
loader.standIns.set('tslab', path.join(__dirname, 'tslab.cjs'));
load('./headless.ts');
