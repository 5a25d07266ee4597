import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Objects by their path, with the two conditions of S3 that a snapshot needs, as its documentation
 * says them: moto takes a `PUT` with `If-Match` whatever stands there.
 */
export async function startConditionalObjects(): Promise<{ url: string; stop: () => void }> {
  const objects = new Map<string, { readonly etag: string; readonly body: Buffer }>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray());
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
    // Nothing is awaited from here on: the condition and the write are one step.
    const there = objects.get(pathname);
    const refuse = (status: number, code: string) =>
      response
        .writeHead(status, { 'content-type': 'application/xml' })
        .end(status === 304 ? undefined : `<Error><Code>${code}</Code></Error>`);
    if (request.method === 'PUT') {
      if (ifMatch !== undefined && there === undefined) return void refuse(404, 'NoSuchKey');
      if (ifMatch !== undefined && ifMatch !== there?.etag)
        return void refuse(412, 'PreconditionFailed');
      if (ifNoneMatch === '*' && there !== undefined) return void refuse(412, 'PreconditionFailed');
      const etag = `"${createHash('md5').update(body).digest('hex')}"`;
      objects.set(pathname, { etag, body });
      response.writeHead(200, { etag }).end();
    } else if (there === undefined) refuse(404, 'NoSuchKey');
    else if (ifNoneMatch === there.etag) refuse(304, 'NotModified');
    else response.writeHead(200, { etag: there.etag }).end(there.body);
  }

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
