// GitHub's official client for Node (@octokit/rest), unmodified and with only its URL changed,
// driven from outside: one JSON line in, one JSON line out. See README.md.
import { createInterface } from 'node:readline';
import { Octokit } from '@octokit/rest';

const [baseUrl] = process.argv.slice(2);
if (!baseUrl) {
  console.error('usage: github-rest.mjs GITHUB_API_URL');
  process.exit(2);
}

// stdout carries the answers alone.
const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

// The client's own method of that name, such as users.getAuthenticated.
const methodOf = (octokit, name) => name.split('.').reduce((part, key) => part[key], octokit.rest);

async function run({ call, pages, request, auth, basic, arguments: args }) {
  const octokit = new Octokit({ auth, baseUrl, log });
  try {
    if (pages) return { data: await octokit.paginate(methodOf(octokit, pages), args) };
    if (call) {
      const { status, headers, data } = await methodOf(octokit, call)(args);
      return { status, headers, data };
    }
    const authorization = `basic ${Buffer.from(basic.join(':')).toString('base64')}`;
    const { status, data } = await octokit.request(request, { ...args, headers: { authorization } });
    return { status, data };
  } catch (error) {
    // Only the client's own errors have a status; any other is a mistake here.
    const { status, response } = error;
    return { refused: { status, headers: response?.headers, data: response?.data, error: String(error) } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
process.exit(0);
