/**
 * # The process in which a notebook runs without Jupyter
 *
 * Started by `src/notebook/run.ts` in the folder of the notebook, with a channel for messages.
 */
'use strict';

const path = require('node:path');
const loader = require('./loader.cjs');

/** @type {NodeJS.Require} not called `require`, because only the hook can load this file */
const load = require;

loader.install();
loader.standIns.set('tslab', path.join(__dirname, 'tslab.cjs'));
load('./headless.ts');
