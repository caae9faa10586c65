// Slack's official client for Node (@slack/web-api), unmodified and with only its URL changed,
// driven from outside: one JSON line in, one JSON line out. See README.md.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebClient } from '@slack/web-api';

// Its retries go on for half an hour; whoever waits for a line wants to hear sooner.
const PATIENCE_MS = 20_000;

const [slackApiUrl] = process.argv.slice(2);
if (!slackApiUrl) {
  console.error('usage: slack-web-api.mjs SLACK_API_URL');
  process.exit(2);
}

// stdout carries the answers; what the client has to say besides goes with them.
let notices = [];
for (const level of ['debug', 'info', 'log', 'warn', 'error']) {
  console[level] = (...words) => notices.push(words.join(' '));
}

// The client's own method of that name, not its generic call.
function methodOf(client, name) {
  const path = name.split('.');
  const last = path.pop();
  const holder = path.reduce((part, key) => part[key], client);
  return (args) => holder[last](args);
}

async function pagesOf(client, name, args) {
  const pages = [];
  for await (const page of client.paginate(name, args)) pages.push(page);
  return pages;
}

// What a person does in the browser: opens the link, allows, and is sent back to the app.
async function consent(url, person) {
  const page = await (await fetch(url)).text();
  const [, action] = /<form method="post" action="([^"]+)"/.exec(page) ?? [];
  const [, id] = /name="consent" value="([^"]+)"/.exec(page) ?? [];
  if (!action || !id) throw new Error(`no consent page: ${page}`);
  const body = new URLSearchParams({ consent: id, person, decision: 'allow' });
  const decided = await fetch(new URL(action, url), { method: 'POST', body, redirect: 'manual' });
  return Object.fromEntries(new URL(decided.headers.get('location')).searchParams);
}

async function run({ call, pages, authorize_url: link, person, token, arguments: args }) {
  const waited = [];
  const client = new WebClient(token, { slackApiUrl });
  client.on('rate_limited', (seconds) => waited.push(seconds));
  notices = [];
  try {
    if (link) return { answer: await consent(link, person) };
    const answer = await (pages ? pagesOf(client, pages, args) : methodOf(client, call)(args));
    return { answer, waited, notices };
  } catch (error) {
    // Only the client's own errors have data; any other is a mistake here.
    return { refused: error.data ?? { error: String(error) }, code: error.code, waited, notices };
  }
}

async function runInTime(line) {
  const late = sleep(PATIENCE_MS, undefined, { ref: false })
    .then(() => ({ refused: { error: `nothing within ${PATIENCE_MS} ms` }, notices }));
  return Promise.race([run(JSON.parse(line)), late]);
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await runInTime(line))}\n`);
}
process.exit(0);
