// oidc-provider, configured as a strict service that our connectors talk to.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';
// Deep import, safe because the version is pinned: see `adapter` below.
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

const DAY = 24 * 3600;

export const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'notes:read', 'notes:write'];

// Any name may sign in: the account is made from it.
export function account(id) {
  const name = id.charAt(0).toUpperCase() + id.slice(1);
  return { id, name, email: `${id}@example.test` };
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'test' };
}

function client(settings) {
  return {
    client_id: settings.clientId,
    client_secret: settings.clientSecret,
    client_name: settings.clientId,
    redirect_uris: settings.redirectUris,
    token_endpoint_auth_method: settings.clientAuth,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    // With the code flow alone a web client may redirect to http on loopback.
    // 'native' would too, but then the port of the redirect is not compared.
    application_type: 'web',
  };
}

function findAccount(_ctx, id) {
  const { name, email } = account(id);
  return {
    accountId: id,
    claims: () => ({ sub: id, name, email, email_verified: true }),
  };
}

export function createProvider(issuer, settings) {
  // The built-in store forgets all but the newest 1000-2000 entries, which in
  // a long run looks like a provider that loses tokens. A plain Map forgets
  // none, and the models check `exp` themselves.
  const store = new Map();

  return new Provider(issuer, {
    adapter: (model) => new MemoryAdapter(model, store),
    clients: [client(settings)],
    clientAuthMethods: [settings.clientAuth],
    findAccount,
    scopes: SCOPES,
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => settings.pkceRequired },
    // Any tolerance would let a short-lived token outlive its expires_in.
    clockTolerance: 0,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: settings.accessTokenTtl,
      AuthorizationCode: 60,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 14 * DAY,
      Session: 14 * DAY,
      Grant: 14 * DAY,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: true },
      revocation: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, asking, token) => token.clientId === asking.clientId,
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  });
}
