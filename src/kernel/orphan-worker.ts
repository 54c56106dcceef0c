/**
 * # A thread that ends the process once its parent is gone
 *
 * The main thread may be busy for ever.
 */
import { whenParentIsGone } from './parent';

whenParentIsGone(() => process.kill(process.pid, 'SIGKILL'));
setInterval(() => {}, 60_000); // the thread lives as long as the process
