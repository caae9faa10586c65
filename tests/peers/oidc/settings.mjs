// The environment variables of the OAuth peer. A wrong one stops the start:
// a test that silently ran against other settings would prove nothing.

const CLIENT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post'];

function required(env, name) {
  const value = env[name];
  if (!value) throw new Error(`${name} is required`);
  return value;
}

function wholeNumber(env, name, fallback, smallest) {
  const text = env[name] ?? String(fallback);
  if (!/^\d+$/.test(text) || Number(text) < smallest) {
    throw new Error(`${name} must be a whole number of at least ${smallest}, not "${text}"`);
  }
  return Number(text);
}

function oneOf(env, name, allowed) {
  const value = env[name] ?? allowed[0];
  if (!allowed.includes(value)) {
    throw new Error(`${name} must be one of ${allowed.join(', ')}, not "${value}"`);
  }
  return value;
}

export function readSettings(env) {
  return {
    port: wholeNumber(env, 'PORT', 0, 0),
    clientId: required(env, 'CLIENT_ID'),
    clientSecret: required(env, 'CLIENT_SECRET'),
    redirectUris: required(env, 'REDIRECT_URIS').split(',').map((uri) => uri.trim()),
    clientAuth: oneOf(env, 'CLIENT_AUTH', CLIENT_AUTH_METHODS),
    accessTokenTtl: wholeNumber(env, 'ACCESS_TOKEN_TTL', 3600, 1),
    pkceRequired: oneOf(env, 'PKCE_REQUIRED', ['1', '0']) === '1',
  };
}
