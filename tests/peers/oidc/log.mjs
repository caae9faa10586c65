// What GET /_log shows: enough to count exchanges, refreshes, revocations and
// API calls, and never a token, code, secret or note.

export function createLog() {
  const entries = { token_requests: [], revocations: [], api_calls: [] };
  const add = (list, entry) => list.push({ at: new Date().toISOString(), ...entry });

  return {
    entries,

    apiCall(entry) {
      add(entries.api_calls, entry);
    },

    // A middleware of oidc-provider's own app, so that it sees the parsed form.
    async middleware(ctx, next) {
      await next();
      const seen = {
        status: ctx.status,
        client_id: ctx.oidc?.client?.clientId ?? null,
        error: ctx.body?.error ?? null,
      };
      if (ctx.oidc?.route === 'token') {
        const grantType = ctx.oidc.params?.grant_type ?? ctx.oidc.body?.grant_type ?? null;
        add(entries.token_requests, { grant_type: grantType, ...seen });
      } else if (ctx.oidc?.route === 'revocation') {
        const { RefreshToken, AccessToken } = ctx.oidc.entities;
        const kind = RefreshToken ? 'refresh_token' : AccessToken ? 'access_token' : null;
        // RFC 7009 answers 200 for an unknown token too: token is null then.
        add(entries.revocations, { token: kind, ...seen });
      }
    },
  };
}
