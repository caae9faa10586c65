// The page on which a person signs in and allows or denies, in one step, as
// plain HTML forms: people (and our browser tests) may have JavaScript off.
import { account } from './provider.mjs';
import { escapeHtml, readBody, sendPage } from './http.mjs';

const STYLE = `
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto; padding: 0 1rem; }
  .notice { background: #fff3cd; border: 1px solid #8a6d00; padding: .5rem 1rem; }
  input, button { font: inherit; padding: .4rem 1rem; }
`;

function page(title, body) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
<main data-peer="oidc-provider">
<p class="notice"><strong>Test provider.</strong> Nothing here is a real account.</p>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</html>
`;
}

function consentPage(interaction, clientName) {
  const { uid, prompt, params, session } = interaction;
  const scopes = (params.scope ?? '').split(' ').filter(Boolean);
  const who = prompt.name === 'login'
    ? `<p><label>Sign in as <input name="login" required maxlength="64" pattern="[A-Za-z0-9._\\-]+"
         value="${escapeHtml(params.login_hint ?? 'alice')}"></label></p>`
    : `<p>Signed in as <strong>${escapeHtml(session.accountId)}</strong>.</p>`;
  return page(`Allow ${clientName}?`, `
<p><strong>${escapeHtml(clientName)}</strong> asks for access to your notes account:</p>
<ul>${scopes.map((scope) => `<li><code>${escapeHtml(scope)}</code></li>`).join('')}</ul>
<p>You will return to <code>${escapeHtml(new URL(params.redirect_uri).origin)}</code>.</p>
<form method="post" action="/interaction/${encodeURIComponent(uid)}">
${who}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny" formnovalidate>Deny</button>
</form>`);
}

// One grant per person, client and browser session, as most services have it.
async function grantAll(provider, interaction, accountId) {
  const { grantId, params } = interaction;
  const known = grantId ? await provider.Grant.find(grantId) : undefined;
  const grant = known ?? new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope ?? '');
  return grant.save();
}

async function decide(provider, interaction, form) {
  if (form.get('decision') === 'deny') {
    return { error: 'access_denied', error_description: 'The person chose Deny' };
  }
  if (form.get('decision') !== 'allow') return null;

  const signingIn = interaction.prompt.name === 'login';
  const accountId = signingIn ? (form.get('login') ?? '').trim() : interaction.session.accountId;
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(accountId)) return null;

  const grantId = await grantAll(provider, interaction, account(accountId).id);
  const consent = { consent: { grantId } };
  return signingIn ? { login: { accountId }, ...consent } : consent;
}

export function consentHandler(provider) {
  return async (req, res) => {
    let interaction;
    try {
      // Compares the uid in the path with the browser's cookie.
      interaction = await provider.interactionDetails(req, res);
    } catch {
      sendPage(res, 400, page('This sign-in has ended', '<p>Start again from the application.</p>'));
      return;
    }

    if (req.method === 'POST') {
      const form = new URLSearchParams(await readBody(req));
      const result = await decide(provider, interaction, form);
      if (result) {
        await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
        return;
      }
    }

    const client = await provider.Client.find(interaction.params.client_id);
    const status = req.method === 'POST' ? 400 : 200;
    sendPage(res, status, consentPage(interaction, client.clientName ?? client.clientId));
  };
}
