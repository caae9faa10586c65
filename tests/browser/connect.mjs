// Connects an account as a person would: opens our connect page, presses
// Connect, decides on the provider's page, and reports our result page.
//
//   node connect.mjs --url LINK --screenshots DIR [--decision allow|deny] [--no-javascript]
//
// Prints one JSON line. Exit 0: a result page was reached, whatever its
// outcome. Exit 1: it was not, and "reason" says why. Exit 2: wrong usage.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from './chromium.mjs';

const STEP_TIMEOUT = 20_000; // generous: other builds may hold the processor
const OUTCOMES = ['completed', 'declined', 'failed', 'awaiting_confirmation', 'expired'];
const DECISIONS = { allow: /^Allow$/i, deny: /^(Cancel|Deny)$/i };

function readArguments() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      screenshots: { type: 'string' },
      decision: { type: 'string', default: 'allow' },
      'no-javascript': { type: 'boolean', default: false },
    },
  });
  if (!values.url || !values.screenshots) throw new Error('--url and --screenshots are required');
  if (!Object.hasOwn(DECISIONS, values.decision)) throw new Error('--decision is allow or deny');
  return values;
}

// The pages this walk can meet, each known by what a person would see on it.
function landmarks(page) {
  const button = (name) => page.getByRole('button', { name });
  return {
    connect: button(/^Connect/),
    allow: button(DECISIONS.allow),
    decide: (decision) => button(DECISIONS[decision]),
    result: page.locator('main[data-outcome]'),
  };
}

// Waits for one of two pages; true when it is the result page, which may come
// early: an expired link, or a provider that refuses before it asks anyone.
async function isResult(expected, result, what) {
  await expected.or(result).first().waitFor().catch(() => {
    throw new Error(`no ${what} within ${STEP_TIMEOUT / 1000} s`);
  });
  return (await result.count()) > 0;
}

async function pressOnly(button, what) {
  const count = await button.count();
  if (count !== 1) throw new Error(`expected exactly one ${what}, found ${count}`);
  await button.click();
}

async function walk(page, { url, screenshots, decision }) {
  const at = landmarks(page);
  const shoot = (name) => page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });

  const response = await page.goto(url);
  if (response && response.status() >= 500) throw new Error(`the link answered ${response.status()}`);
  if (await isResult(at.connect, at.result, 'button "Connect…" on the connect page')) return shoot('3-result');
  await shoot('1-connect');
  await pressOnly(at.connect, 'button "Connect…"');

  if (await isResult(at.allow, at.result, 'button "Allow" on the provider\'s page')) return shoot('3-result');
  await shoot('2-provider');
  await pressOnly(at.decide(decision), `button to ${decision} on the provider's page`);

  await at.result.waitFor().catch(() => {
    throw new Error(`no main[data-outcome] within ${STEP_TIMEOUT / 1000} s of the decision`);
  });
  return shoot('3-result');
}

async function readOutcome(page) {
  const outcome = await page.locator('main[data-outcome]').getAttribute('data-outcome');
  if (!OUTCOMES.includes(outcome)) throw new Error(`unknown outcome "${outcome}"`);
  return outcome;
}

async function run(options) {
  await mkdir(options.screenshots, { recursive: true });
  const browser = await openBrowser({ javaScript: !options['no-javascript'], timeout: STEP_TIMEOUT });
  const { page, seen } = browser;
  const report = { outcome: null };
  try {
    await walk(page, options);
    report.outcome = await readOutcome(page);
  } catch (error) {
    [report.reason] = error.message.split('\n');
    // The picture tells most; there is none when the browser itself has gone.
    await page.screenshot({ path: join(options.screenshots, 'failed.png') }).catch(() => {});
  }
  report.title = await page.title().catch(() => null);
  report.url = page.url();
  await browser.close();
  return { ...report, ...seen };
}

let options;
try {
  options = readArguments();
} catch (error) {
  console.error(`connect.mjs: ${error.message}`);
  process.exit(2);
}
// A browser that cannot start is a reason as well.
const report = await run(options).catch((error) => ({ outcome: null, reason: error.message }));
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = report.outcome === null ? 1 : 0;
