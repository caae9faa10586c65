// Notion's official client for Node (@notionhq/client), unmodified and with only its URL and version
// given, driven from outside: one JSON line in, one JSON line out. See README.md.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, LogLevel, iteratePaginatedAPI } from '@notionhq/client';

const PATIENCE_MS = 20_000;

const [baseUrl] = process.argv.slice(2);
if (!baseUrl) {
  console.error('usage: notion-client.mjs BASE_URL');
  process.exit(2);
}

// The client's own method of that name, not its generic request.
function methodOf(client, name) {
  const path = name.split('.');
  const last = path.pop();
  const holder = path.reduce((part, key) => part[key], client);
  return holder[last].bind(holder);
}

async function itemsOf(client, name, args) {
  const items = [];
  for await (const item of iteratePaginatedAPI(methodOf(client, name), args)) items.push(item);
  return items;
}

// What a person does in the browser: opens the link, ticks pages, allows, and is sent back.
async function consent(url, person, shared) {
  const page = await (await fetch(url)).text();
  const [, action] = /<form method="post" action="([^"]+)"/.exec(page) ?? [];
  const [, id] = /name="consent" value="([^"]+)"/.exec(page) ?? [];
  if (!action || !id) throw new Error(`no consent page: ${page}`);
  const body = new URLSearchParams({ consent: id, person, decision: 'allow' });
  for (const item of shared) body.append('page', item);
  const decided = await fetch(new URL(action, url), { method: 'POST', body, redirect: 'manual' });
  return Object.fromEntries(new URL(decided.headers.get('location')).searchParams);
}

async function run({ call, items, authorize_url: link, person, shared, token, arguments: args }) {
  const waited = [];
  const logger = (_level, message, { delayMs }) => {
    if (message === 'retrying request') waited.push(delayMs);
  };
  const options = { auth: token, baseUrl, notionVersion: '2026-03-11' };
  const client = new Client({ ...options, logger, logLevel: LogLevel.INFO });
  try {
    if (link) return { answer: await consent(link, person, shared) };
    const answer = await (items ? itemsOf(client, items, args) : methodOf(client, call)(args));
    return { answer, waited };
  } catch (error) {
    const { code, status, body } = error;
    return { refused: { code, status, body: body ?? String(error) }, waited };
  }
}

async function runInTime(line) {
  const late = sleep(PATIENCE_MS, undefined, { ref: false })
    .then(() => ({ refused: { body: `nothing within ${PATIENCE_MS} ms` } }));
  return Promise.race([run(JSON.parse(line)), late]);
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await runInTime(line))}\n`);
}
process.exit(0);
