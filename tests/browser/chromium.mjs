// Debian's Chromium, headless, with an empty profile, that reaches loopback
// only and records what a page does wrong.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// One place for pins: playwright-core lives with the other test peers.
const require = createRequire(new URL('../peers/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const FLAGS = [
  '--no-sandbox', // tests may run as root in a container, where it cannot start
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Blocks every other host in the browser itself: Playwright's request
  // interception would not see a request that follows a redirect.
  '--no-proxy-server',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.*, EXCLUDE [::1]',
];

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function isExternal(url) {
  const { protocol, hostname } = new URL(url);
  return /^(https?|wss?):$/.test(protocol) && !LOOPBACK.test(hostname);
}

function record(context) {
  const seen = { console_errors: [], external_requests: [] };
  const noteRequest = (url) => {
    if (isExternal(url)) seen.external_requests.push(url);
  };
  context.on('request', (request) => noteRequest(request.url()));
  context.on('page', (page) => page.on('websocket', (socket) => noteRequest(socket.url())));
  // CSP violations arrive here too: Chromium reports them as console errors.
  context.on('console', (message) => {
    if (message.type() !== 'error') return;
    seen.console_errors.push({ text: message.text(), url: message.location().url });
  });
  context.on('weberror', (error) => {
    seen.console_errors.push({ text: String(error.error()), url: error.page()?.url() ?? '' });
  });
  return seen;
}

export async function openBrowser({ javaScript, timeout }) {
  const profile = await mkdtemp(join(tmpdir(), 'astralform-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    javaScriptEnabled: javaScript,
    // A worker's requests would not reach the recorder.
    serviceWorkers: 'block',
    viewport: { width: 1280, height: 800 },
    locale: 'en-US',
  }).catch(async (error) => {
    await rm(profile, { recursive: true, force: true });
    throw error;
  });
  context.setDefaultTimeout(timeout);
  const seen = record(context);
  const page = await context.newPage();

  return {
    page,
    seen,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
