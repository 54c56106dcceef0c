/**
 * # nodeplotlib's page, only for this machine and without a network
 *
 * nodeplotlib's own `plot` starts its server (Nest's) on every address of the machine, open to
 * anyone on the network, and its page loads plotly and fonts from the network: offline it stays
 * blank. So its server is started here, from the same parts, with three differences:
 *
 * - It listens on 127.0.0.1 only, and answers only requests that name this machine as their host.
 *   A foreign page whose name was made to resolve to this machine (DNS rebinding) is refused.
 * - The page gets the same plotly that draws the figures, and no fonts.
 * - The server does not keep the process alive. An open window does; if no browser could be opened,
 *   the process ends as usual.
 */
import { readFileSync } from 'node:fs';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { plot } from 'nodeplotlib';
import type { Observable } from 'rxjs';

/** The part of Nest that is used here. */
interface Application {
  get<T>(service: new () => T): T;
  init(): Promise<unknown>;
  listen(port: number, address: string): Promise<unknown>;
  getHttpServer(): Server;
  close(): Promise<void>;
}

interface Nest {
  readonly NestFactory: {
    create(module: unknown, options: { logger: readonly string[] }): Promise<Application>;
  };
}

/** The parts of nodeplotlib's server: what is drawn, and its port and end. */
interface PlotsPart {
  readonly PlotsService: new () => {
    addPlot(plot: { data: unknown; layout: Observable<unknown>; config: undefined }): void;
  };
}
interface BridgePart {
  readonly BridgeService: new () => {
    /** The last window was closed. */
    readonly shutdown$: Observable<unknown>;
    /** Opens a window, unless `NODEPLOTLIB_PORT` is set. */
    setPort(port: number): void;
  };
}

const HERE = '127.0.0.1';
const PLOTLY = '/plotly.min.js';

/**
 * Opens a window, as nodeplotlib's `plot` does. If it cannot, it prints a warning, and the program
 * continues.
 */
export const plotOffline: typeof plot = (data, layout) => {
  serve(data, layout).then(
    (address) => console.log(`the curve can be watched at ${address}`),
    (error: Error) => console.warn(`there is no live curve: ${error.message}`),
  );
};

async function serve(...[data, layout]: Parameters<typeof plot>): Promise<string> {
  const main = require.resolve('nodeplotlib');
  const its = createRequire(main); // the Nest and the parts that nodeplotlib itself loads
  const { NestFactory } = its('@nestjs/core') as Nest;
  const { ServerModule } = its('./lib/server/server.module') as { ServerModule: unknown };
  const { PlotsService } = its('./lib/server/plots/plots.service') as PlotsPart;
  const { BridgeService } = its('./lib/server/services/bridge.service') as BridgePart;
  const { of } = its('rxjs') as typeof import('rxjs');

  const application = await NestFactory.create(ServerModule, { logger: ['error', 'warn'] });
  await application.init();
  const server = application.getHttpServer();
  guard(server, main);
  await application.listen(Number(process.env.NODEPLOTLIB_PORT) || 0, HERE);
  server.unref();
  const { port } = server.address() as AddressInfo;
  application.get(PlotsService).addPlot({ data, layout: of(layout), config: undefined });
  const bridge = application.get(BridgeService);
  bridge.shutdown$.subscribe(() => void application.close());
  bridge.setPort(port);
  return `http://${HERE}:${port}`;
}

/** Checks every request before the server answers it. */
function guard(server: Server, main: string): void {
  const others = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request').removeAllListeners('upgrade'); // its page only polls
  server.on('request', (request, response) => {
    const { port } = server.address() as AddressInfo;
    if (![`${HERE}:${port}`, `localhost:${port}`].includes(request.headers.host ?? ''))
      response.writeHead(403).end();
    else if (request.url === '/') send(response, 'text/html', page(main));
    else if (request.url === PLOTLY)
      send(response, 'text/javascript', readFileSync(require.resolve('plotly.js-dist-min')));
    else for (const listener of others) listener.call(server, request, response);
  });
}

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
