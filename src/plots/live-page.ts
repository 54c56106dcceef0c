/**
 * # nodeplotlib's page without the network
 *
 * The page that `nodeplotlib` serves takes plotly and its fonts from the network: where there is
 * none it stays white. So its server (Nest's, which it makes when the first plot is opened) is
 * given a handler that comes before its own and serves the page with the plotly that figures are
 * drawn by, and without the fonts. The server is also kept from holding the process: an open window
 * does, but where no browser could be opened nothing is waited for.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { plot } from 'nodeplotlib';

/** As much of Nest as is used here. */
interface Application {
  use(
    handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void,
  ): void;
  getHttpServer(): { unref(): void };
}

type Create = (module: unknown, options?: { logger: string[] }) => Promise<Application>;

const PLOTLY = '/plotly.min.js';

/** As nodeplotlib's `plot`. */
export const plotOffline: typeof plot = (...figure) => {
  const main = require.resolve('nodeplotlib');
  // The Nest that nodeplotlib itself loads.
  const { NestFactory } = createRequire(main)('@nestjs/core') as {
    NestFactory: { create: Create };
  };
  const create = NestFactory.create.bind(NestFactory);
  NestFactory.create = async (module) => {
    const application = await create(module, { logger: ['error', 'warn'] });
    application.getHttpServer().unref();
    application.use((request, response, next) => {
      if (request.url === '/') send(response, 'text/html', page(main));
      else if (request.url === PLOTLY)
        send(response, 'text/javascript', readFileSync(require.resolve('plotly.js-dist-min')));
      else next();
    });
    return application;
  };
  (require('nodeplotlib') as { plot: typeof plot }).plot(...figure);
  NestFactory.create = create;
};

/** Its page, with plotly from here and the system's fonts. */
function page(main: string): string {
  return readFileSync(path.join(path.dirname(main), 'lib/server/web/index.html'), 'utf8')
    .replace(/@font-face\{[^}]*\}/g, '')
    .replace(/<link rel="preconnect"[^>]*>/g, '')
    .replace(/(\.material-icons\{)/, '$1visibility:hidden;') // words in a font of icons
    .replace(/https:\/\/cdn\.plot\.ly\/[^"]*/, PLOTLY);
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
}
