// A small protected API behind the OAuth server: a profile and a list of notes
// per account. It knows access tokens only through the provider's own model.
import { account } from './provider.mjs';
import { readBody, sendJson } from './http.mjs';

const SEEDED_NOTES = 25;
const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 50;

class Refusal {
  constructor(status, body, challenge) {
    Object.assign(this, { status, body, challenge });
  }
}

const badRequest = (message) => new Refusal(400, { error: 'invalid_request', message });

// Throws RFC 6750's answers: 401 without a usable token, 403 short of a scope.
async function authorize(provider, req, scope) {
  const [, value] = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(req.headers.authorization ?? '') ?? [];
  if (!value) throw new Refusal(401, { error: 'missing_token' }, 'Bearer realm="notes"');

  const token = await provider.AccessToken.find(value);
  if (!token?.isValid) {
    throw new Refusal(401, { error: 'invalid_token' }, 'Bearer realm="notes", error="invalid_token"');
  }
  if (scope && !token.scopes.has(scope)) {
    const challenge = `Bearer realm="notes", error="insufficient_scope", scope="${scope}"`;
    throw new Refusal(403, { error: 'insufficient_scope', scope }, challenge);
  }
  return token;
}

function seedNotes(owner) {
  return Array.from({ length: SEEDED_NOTES }, (_, i) => note(i + 1, {
    title: `Note ${i + 1} of ${owner}`,
    body: `The text of note ${i + 1}.`,
    createdAt: new Date(Date.UTC(2026, 0, 1 + i)).toISOString(),
  }));
}

function note(number, { title, body, createdAt }) {
  // internal_rank is noise that a connector's compact result should leave out.
  return { id: `note_${number}`, title, body, created_at: createdAt, internal_rank: number * 37 % 101 };
}

function listNotes(notes, query) {
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw badRequest(`limit must be 1 to ${MAX_LIMIT}`);
  }
  const start = query.has('cursor') ? decodeCursor(query.get('cursor')) : 0;
  const end = start + limit;
  return { notes: notes.slice(start, end), next: end < notes.length ? encodeCursor(end) : null };
}

// Opaque, so that no client can count on its form.
const encodeCursor = (offset) => Buffer.from(`after:${offset}`).toString('base64url');

function decodeCursor(cursor) {
  const [, offset] = /^after:(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (!offset) throw badRequest('cursor was not issued by this API');
  return Number(offset);
}

async function createNote(notes, req) {
  if (!/^application\/json\b/i.test(req.headers['content-type'] ?? '')) {
    throw new Refusal(415, { error: 'unsupported_media_type' });
  }
  let input;
  try {
    input = JSON.parse(await readBody(req));
  } catch {
    throw badRequest('the body is not JSON');
  }
  if (typeof input?.title !== 'string' || input.title === '' || typeof input.body !== 'string') {
    throw badRequest('title and body must be strings, title not empty');
  }
  const { title, body } = input;
  const created = note(notes.length + 1, { title, body, createdAt: new Date().toISOString() });
  notes.push(created);
  return created;
}

export function notesApi(provider, log) {
  const notesByOwner = new Map();
  const notesOf = (owner) => {
    if (!notesByOwner.has(owner)) notesByOwner.set(owner, seedNotes(owner));
    return notesByOwner.get(owner);
  };

  const routes = {
    'GET /me': { status: 200, run: (token) => {
      const { id, name } = account(token.accountId);
      return { id, name };
    } },
    'GET /notes': { status: 200, scope: 'notes:read',
      run: (token, _req, query) => listNotes(notesOf(token.accountId), query) },
    'POST /notes': { status: 201, scope: 'notes:write',
      run: (token, req) => createNote(notesOf(token.accountId), req) },
  };

  async function answer(name, req, query) {
    try {
      const route = routes[name];
      if (!route) throw new Refusal(404, { error: 'not_found' });
      const token = await authorize(provider, req, route.scope);
      return { status: route.status, body: await route.run(token, req, query), account: token.accountId };
    } catch (refusal) {
      if (refusal instanceof Refusal) return refusal;
      throw refusal;
    }
  }

  return async (req, res, path, query) => {
    const { status, body, challenge, account: owner } = await answer(`${req.method} ${path}`, req, query);
    log.apiCall({ method: req.method, path, status, account: owner ?? null });
    sendJson(res, status, body, challenge ? { 'www-authenticate': challenge } : {});
  };
}
