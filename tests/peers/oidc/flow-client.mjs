// For the tests: the peer as a child process, an OAuth client and a browser,
// all by plain fetch, so that nothing hides what goes over the wire.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

const SERVER = fileURLToPath(new URL('../oidc-provider.mjs', import.meta.url));

export const CLIENT = { id: 'notes-app', secret: 'not-a-real-secret' };
// Nothing listens there: the browser below stops at the redirect.
export const REDIRECT_URI = 'http://127.0.0.1:9/callback';

export async function startPeer(env = {}) {
  const child = spawn(process.execPath, [SERVER], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      CLIENT_ID: CLIENT.id, CLIENT_SECRET: CLIENT.secret, REDIRECT_URIS: REDIRECT_URI, PORT: '0', ...env,
    },
  });
  const exited = once(child, 'exit').then(([code]) => code);
  const line = once(createInterface(child.stdout), 'line').then(([text]) => JSON.parse(text));
  const ready = await Promise.race([
    line,
    exited.then((code) => { throw new Error(`the peer ended with ${code} before it was ready`); }),
  ]);
  return { ...ready, child, exited };
}

// Follows redirects with a cookie jar until one leaves the peer.
export function createBrowser(origin) {
  const cookies = new Map();

  async function request(url, init = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (!location) return { url, status: response.status, html: await response.text() };
    const next = new URL(location, url);
    return next.origin === origin ? request(next.href) : { leftFor: next };
  }

  return {
    open: (url) => request(url),
    submit: (page, fields) => {
      const [, action] = /<form method="post" action="([^"]+)"/.exec(page.html);
      return request(new URL(action, page.url), { method: 'POST', body: new URLSearchParams(fields) });
    },
  };
}

export function authorization(peer, overrides = {}) {
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL(peer.authorize_url);
  url.search = new URLSearchParams({
    client_id: CLIENT.id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid profile offline_access notes:read',
    // OpenID Connect grants offline_access only together with a fresh consent.
    prompt: 'consent',
    state: 'a state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...overrides,
  });
  return { url: url.href, verifier };
}

// Credentials go into the header or the form, as the client is registered.
export async function postAsClient(url, fields, { clientAuth = 'client_secret_basic' } = {}) {
  const body = new URLSearchParams(fields);
  const headers = {};
  if (clientAuth === 'client_secret_post') {
    body.set('client_id', CLIENT.id);
    body.set('client_secret', CLIENT.secret);
  } else {
    headers.authorization = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;
  }
  const response = await fetch(url, { method: 'POST', headers, body });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}

// The whole way from the authorize link to tokens, allowed by `login`.
export async function connect(peer, { login = 'alice', clientAuth, ...overrides } = {}) {
  const browser = createBrowser(peer.issuer);
  const { url, verifier } = authorization(peer, overrides);
  const { leftFor } = await browser.submit(await browser.open(url), { login, decision: 'allow' });
  const exchange = {
    grant_type: 'authorization_code',
    code: leftFor.searchParams.get('code'),
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
  };
  const tokens = await postAsClient(peer.token_url, exchange, { clientAuth });
  return { callback: leftFor, exchange, ...tokens };
}

export async function callApi(peer, path, accessToken, { body } = {}) {
  const response = await fetch(`${peer.api_base_url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
  });
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    body: await response.json(),
  };
}
