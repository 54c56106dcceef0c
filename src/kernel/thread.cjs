/**
 * # A thread that can read TypeScript
 *
 * Worker threads start as plain Node: this file installs the hook and loads the file that the
 * thread is for (`workerData.file`).
 */
'use strict';

const { workerData } = require('node:worker_threads');

require('./loader.cjs').install();
require(workerData.file);
