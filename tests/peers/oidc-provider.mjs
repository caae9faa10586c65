// An OAuth 2 / OpenID Connect server that no one here wrote (oidc-provider),
// with a small protected API, in one process on 127.0.0.1. See README.md.
//
// Start it with a pipe as stdin: it ends when stdin closes, so that no process
// outlives the test that started it, however that test ends.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { consentHandler } from './oidc/consent.mjs';
import { createLog } from './oidc/log.mjs';
import { notesApi } from './oidc/notes-api.mjs';
import { createProvider } from './oidc/provider.mjs';
import { readSettings } from './oidc/settings.mjs';
import { sendJson } from './oidc/http.mjs';

// stdout carries the one ready line; the library's notices go to stderr.
console.info = console.error;
console.log = console.error;

function refuseToStart(error) {
  console.error(`oidc-provider.mjs: ${error.error_description ?? error.message}`);
  process.exit(2);
}

let settings;
try {
  settings = readSettings(process.env);
} catch (error) {
  refuseToStart(error);
}

// The issuer holds the port, so the port comes first and the provider after it.
const server = createServer();
server.listen(settings.port, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = createProvider(issuer, settings);
// The library validates the client at its first use: do that before "ready".
await provider.Client.find(settings.clientId).catch(refuseToStart);

const log = createLog();
provider.use(log.middleware);
provider.on('server_error', (_ctx, error) => console.error(error));

const oauth = provider.callback();
const consent = consentHandler(provider);
const api = notesApi(provider, log);

async function route(req, res) {
  const { pathname, searchParams } = new URL(req.url, issuer);
  if (pathname.startsWith('/interaction/')) return consent(req, res);
  if (pathname.startsWith('/api/')) return api(req, res, pathname.slice('/api'.length), searchParams);
  if (pathname === '/_log') return sendJson(res, 200, log.entries);
  return oauth(req, res);
}

server.on('request', (req, res) => {
  route(req, res).catch((error) => {
    console.error(error);
    if (res.headersSent) res.destroy();
    else sendJson(res, 500, { error: 'server_error' });
  });
});

function stop() {
  server.close(() => process.exit(0));
  server.closeAllConnections();
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.stdin.on('end', stop).on('error', stop).resume();

const ready = {
  issuer,
  authorize_url: `${issuer}/auth`,
  token_url: `${issuer}/token`,
  revocation_url: `${issuer}/token/revocation`,
  userinfo_url: `${issuer}/me`,
  api_base_url: `${issuer}/api`,
};
process.stdout.write(`${JSON.stringify(ready)}\n`);
