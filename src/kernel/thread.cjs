/**
 * # A thread that can read TypeScript
 *
 * Worker threads start as plain Node. This file installs the hook and loads the file of the thread
 * (`workerData.file`).
 */
'use strict';

const { workerData } = require('node:worker_threads');

require('./loader.cjs').install();
require(workerData.file);
