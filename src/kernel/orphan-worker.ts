/**
 * # A thread that ends the process when its parent is gone
 *
 * The main thread cannot do this, because it may be busy forever.
 */
import { whenParentIsGone } from './parent';

whenParentIsGone(() => process.kill(process.pid, 'SIGKILL'));
setInterval(() => {}, 60_000); // the thread lives as long as the process
