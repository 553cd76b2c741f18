// Sends the webhook a Secret with a token that never expires, and prints what it says. An allowed one is right where the
// configuration says so; no answer, or one that is no verdict, is a failure.
import { request } from 'node:https';

const base = process.argv.at(-1);
const group = '';
const object = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'helm-test', annotations: { 'kubernetes.io/service-account.name': 'helm-test' } },
  type: 'kubernetes.io/service-account-token',
};
const review = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'helm-test',
    kind: { group, version: 'v1', kind: 'Secret' },
    resource: { group, version: 'v1', resource: 'secrets' },
    operation: 'CREATE',
    namespace: 'helm-test',
    name: 'helm-test',
    userInfo: { username: 'helm-test' },
    dryRun: true,
    object,
  },
};

// Who answers is not the question here, and the CA is not this pod's to read.
const options = { method: 'POST', rejectUnauthorized: false, timeout: 10_000 };
const sent = request(`${base}/validate/secrets?timeout=5s`, { ...options, headers: { 'content-type': 'application/json' } });
sent.on('timeout', () => sent.destroy(new Error('no answer within 10 s')));
sent.on('error', (error) => fail(`${base} cannot be asked: ${error.message}`));
sent.on('response', async (answer) => {
  const text = (await answer.toArray()).join('');
  let verdict;
  try {
    verdict = JSON.parse(text).response;
  } catch {
    // Told below.
  }
  if (answer.statusCode !== 200 || verdict?.uid !== 'helm-test') fail(`status ${answer.statusCode}: ${text.slice(0, 500)}`);
  else process.stdout.write(`${describe(verdict)}\n`);
});
sent.end(JSON.stringify(review));

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exitCode = 1;
}

function describe({ allowed, status }) {
  return `Curfew answers: ${allowed ? 'allowed' : `denied: ${status?.message?.trim()}`}`;
}
