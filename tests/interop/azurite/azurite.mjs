// Starts Azurite's blob, queue and table services on free loopback ports and says where they are:
//   node azurite.mjs [<folder with node_modules> [<folder with cert.pem and key.pem>]]
// prints one line `ready <connection string>` once all three answer, and stops them when its own
// standard input ends or a signal comes. With a certificate it speaks https and takes bearer tokens too. Clients with newer storage versions are let in: they work. Exit code 0: stopped as asked; 1: they never answered.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const place = process.argv[2] ?? join(here, '../../../.deps/azurite');
const program = join(place, 'node_modules/azurite/dist/src/azurite.js');
const secure = process.argv[3] && { cert: join(process.argv[3], 'cert.pem'), key: join(process.argv[3], 'key.pem') };
const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const tries = 5;
const deadline = 30_000;

if (!existsSync(program)) {
  console.error(`azurite is not in ${place}: tests/interop/azurite/fetch.sh brings it`);
  process.exit(1);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// The Server header tells Azurite from a stranger on the port.
function answers(port) {
  return new Promise((resolve) => {
    const get = secure ? getSecure : getPlain;
    const ca = secure ? readFileSync(secure.cert) : undefined;
    const request = get({ host: '127.0.0.1', port, path: '/', agent: false, ca }, (answer) => {
      answer.resume();
      resolve(/^Azurite-/.test(answer.headers.server ?? ''));
    });
    request.on('error', () => resolve(false));
  });
}

async function start() {
  const [blob, queue, table] = await Promise.all([freePort(), freePort(), freePort()]);
  const child = spawn(process.execPath, [program, '--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent',
    '--blobHost', '127.0.0.1', '--blobPort', blob, '--queueHost', '127.0.0.1', '--queuePort', queue,
    '--tableHost', '127.0.0.1', '--tablePort', table, '--blobKeepAliveTimeout', 60,
    ...(secure ? ['--oauth', 'basic', '--cert', secure.cert, '--key', secure.key] : [])], { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const until = Date.now() + deadline;
  while (Date.now() < until && child.exitCode === null) {
    const ready = await Promise.all([blob, queue, table].map(answers));
    if (ready.every(Boolean)) return { child, gone, blob, queue, table };
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  child.kill('SIGTERM');
  await gone;
  return null;
}

let running = null;
for (let i = 0; i < tries && running === null; ++i) running = await start();
if (running === null) {
  console.error('azurite did not answer');
  process.exit(1);
}

async function stop() {
  running.child.kill('SIGTERM');
  await running.gone;
  process.exit(0);
}
process.stdin.on('end', stop).on('close', stop).resume();
process.on('SIGTERM', stop).on('SIGINT', stop);
running.gone.then(() => process.exit(1));
const scheme = secure ? 'https' : 'http';
const at = (port) => `${scheme}://127.0.0.1:${port}/${account}`;
console.log(`ready DefaultEndpointsProtocol=${scheme};AccountName=${account};AccountKey=${key};` +
  `BlobEndpoint=${at(running.blob)};QueueEndpoint=${at(running.queue)};TableEndpoint=${at(running.table)}`);
