// Between a client and an engine: passes everything on as it comes, and writes down what went either way, so that a test knows the secrets
// that only the two have told each other:
//   node recording_proxy.mjs <http://127.0.0.1:port of the engine> <file>
// prints one line `ready <its own address>`; ends with a signal.
import { appendFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';

const [engine, file] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

const server = createServer((asked, answered) => {
  const parts = [];
  const keep = (part) => parts.push(part);
  const headers = { ...asked.headers };
  delete headers['accept-encoding']; // what is compressed could not be searched
  const onward = request(engine + asked.url, { method: asked.method, headers, agent }, (answer) => {
    answered.writeHead(answer.statusCode, answer.rawHeaders);
    answer.on('data', keep).on('error', () => answered.destroy());
    answer.pipe(answered);
  });
  onward.on('error', () => answered.destroy());
  answered.on('close', () => {
    onward.destroy();
    appendFileSync(file, Buffer.concat([...parts, Buffer.from('\n')]));
  });
  asked.on('data', keep);
  asked.pipe(onward);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${server.address().port}`));
