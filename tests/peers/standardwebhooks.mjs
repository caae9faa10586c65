// The reference implementation of Standard Webhooks for JavaScript, as a receiver would use it: one
// JSON object on stdin (secret, now, headers, body), one line on stdout. See README.md.
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const { secret, now, headers, body } = JSON.parse(await text(process.stdin));
// Tests have a clock of their own, and a receiver refuses what is older than five minutes.
Date.now = () => now * 1000;
try {
  console.log(JSON.stringify({ verified: new Webhook(secret).verify(body, headers) }));
} catch (error) {
  console.log(JSON.stringify({ refused: error.message }));
}
