// Proves that the peer behaves as our own tests rely on.
// Run: node_modules/node/bin/node --test oidc-provider.test.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  REDIRECT_URI, authorization, callApi, connect, createBrowser, postAsClient, startPeer,
} from './oidc/flow-client.mjs';

let peer;
before(async () => { peer = await startPeer(); });
after(async () => {
  peer.child.stdin.end();
  await peer.exited;
});

const refresh = (token) =>
  postAsClient(peer.token_url, { grant_type: 'refresh_token', refresh_token: token });
const logOf = async () => (await fetch(`${peer.issuer}/_log`)).json();

test('the announced endpoints are those of the discovery document', async () => {
  const metadata = await (await fetch(`${peer.issuer}/.well-known/openid-configuration`)).json();
  assert.equal(metadata.authorization_endpoint, peer.authorize_url);
  assert.equal(metadata.token_endpoint, peer.token_url);
  assert.equal(metadata.revocation_endpoint, peer.revocation_url);
  assert.equal(metadata.userinfo_endpoint, peer.userinfo_url);
  assert.equal(metadata.authorization_response_iss_parameter_supported, true);
  assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
});

test('a person sees who asks for what, allows, and the client reads', async () => {
  const browser = createBrowser(peer.issuer);
  const page = await browser.open(authorization(peer).url);
  assert.equal(page.status, 200);
  assert.match(page.html, /Test provider/);
  assert.match(page.html, /notes-app/);
  assert.match(page.html, /notes:read/);

  const { callback, status, body: tokens } = await connect(peer, { login: 'bob' });
  assert.equal(`${callback.origin}${callback.pathname}`, REDIRECT_URI);
  assert.equal(callback.searchParams.get('state'), 'a state');
  assert.equal(callback.searchParams.get('iss'), peer.issuer);
  assert.equal(status, 200);
  assert.equal(tokens.scope, 'openid profile offline_access notes:read');
  assert.equal(tokens.expires_in, 3600);

  const me = await callApi(peer, '/me', tokens.access_token);
  assert.deepEqual(me.body, { id: 'bob', name: 'Bob' });
  const userinfo = await fetch(peer.userinfo_url, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  assert.deepEqual(await userinfo.json(), { sub: 'bob', name: 'Bob' });
});

test('notes are paged, and writing needs its own scope', async () => {
  const { body: reader } = await connect(peer);
  const first = await callApi(peer, '/notes?limit=20', reader.access_token);
  assert.equal(first.body.notes.length, 20);
  assert.deepEqual(Object.keys(first.body.notes[0]), ['id', 'title', 'body', 'created_at', 'internal_rank']);
  const second = await callApi(peer, `/notes?limit=20&cursor=${first.body.next}`, reader.access_token);
  assert.equal(second.body.notes.length, 5);
  assert.equal(second.body.next, null);

  const written = { title: 'New', body: 'Text' };
  const refused = await callApi(peer, '/notes', reader.access_token, { body: written });
  assert.equal(refused.status, 403);
  assert.deepEqual(refused.body, { error: 'insufficient_scope', scope: 'notes:write' });

  const { body: writer } = await connect(peer, { scope: 'notes:write' });
  const created = await callApi(peer, '/notes', writer.access_token, { body: written });
  assert.equal(created.status, 201);
  assert.equal(created.body.title, 'New');
});

test('a request without PKCE, or with another redirect, is refused', async () => {
  const withoutPkce = new URL(authorization(peer).url);
  withoutPkce.searchParams.delete('code_challenge');
  withoutPkce.searchParams.delete('code_challenge_method');
  const { leftFor } = await createBrowser(peer.issuer).open(withoutPkce.href);
  assert.equal(leftFor.searchParams.get('error'), 'invalid_request');

  const elsewhere = authorization(peer, { redirect_uri: 'http://127.0.0.1:10/callback' });
  assert.equal((await createBrowser(peer.issuer).open(elsewhere.url)).status, 400);
});

test('a refresh rotates, and an old refresh token ends the family', async () => {
  const { body: first } = await connect(peer);
  const { status, body: second } = await refresh(first.refresh_token);
  assert.equal(status, 200);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal((await callApi(peer, '/me', second.access_token)).status, 200);

  assert.equal((await refresh(first.refresh_token)).body.error, 'invalid_grant');
  assert.equal((await refresh(second.refresh_token)).body.error, 'invalid_grant');
  const dead = await callApi(peer, '/me', second.access_token);
  assert.equal(dead.status, 401);
  assert.match(dead.challenge, /^Bearer .*error="invalid_token"/);
});

test('revocation ends the grant and is counted without secrets', async () => {
  const earlier = await logOf();
  const { body: tokens, exchange } = await connect(peer);
  const revoked = await postAsClient(peer.revocation_url, { token: tokens.refresh_token });
  assert.equal(revoked.status, 200);
  assert.equal((await callApi(peer, '/me', tokens.access_token)).status, 401);
  assert.equal((await refresh(tokens.refresh_token)).body.error, 'invalid_grant');

  const log = await logOf();
  const exchanges = log.token_requests.slice(earlier.token_requests.length);
  assert.deepEqual(exchanges.map(({ grant_type: grant, status, error }) => [grant, status, error]), [
    ['authorization_code', 200, null],
    ['refresh_token', 400, 'invalid_grant'],
  ]);
  const [entry] = log.revocations.slice(earlier.revocations.length);
  assert.equal(entry.token, 'refresh_token');
  assert.equal(log.api_calls.at(-1).status, 401);
  for (const secret of [exchange.code, tokens.access_token, tokens.refresh_token]) {
    assert.ok(!JSON.stringify(log).includes(secret));
  }
});

test('a code works once, and its re-use ends what it gave', async () => {
  const { body: tokens, exchange } = await connect(peer);
  assert.equal((await postAsClient(peer.token_url, exchange)).body.error, 'invalid_grant');
  assert.equal((await callApi(peer, '/me', tokens.access_token)).status, 401);
});

test('Deny returns access_denied, state and iss', async () => {
  const browser = createBrowser(peer.issuer);
  const page = await browser.open(authorization(peer).url);
  const { leftFor } = await browser.submit(page, { login: '', decision: 'deny' });
  assert.equal(leftFor.searchParams.get('error'), 'access_denied');
  assert.equal(leftFor.searchParams.get('state'), 'a state');
  assert.equal(leftFor.searchParams.get('iss'), peer.issuer);
});

test('settings: client_secret_post, short tokens, end by SIGTERM', async () => {
  const other = await startPeer({ CLIENT_AUTH: 'client_secret_post', ACCESS_TOKEN_TTL: '1' });
  const { body: tokens } = await connect(other, { clientAuth: 'client_secret_post' });
  assert.equal(tokens.expires_in, 1);
  await sleep(2100);
  assert.equal((await callApi(other, '/me', tokens.access_token)).status, 401);
  other.child.kill('SIGTERM');
  assert.equal(await other.exited, 0);
  await assert.rejects(startPeer({ CLIENT_AUTH: 'none' }), /ended with 2/);
});
