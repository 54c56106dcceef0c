/**
 * # A rejection that nobody handles fails the test
 *
 * Mocha passes such a rejection on to whoever listens; where nobody does it is lost, and the test
 * that waits for it ends, if at all, in a timeout that names no cause.
 */
process.on('unhandledRejection', (reason) => {
  throw reason; // an uncaught exception, which mocha counts against the test that runs
});
