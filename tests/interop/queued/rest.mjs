// Queued ingestion as REST, by hand: node rest.mjs <engine> <data management> <database>
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

const [engineUrl, dmUrl, database] = process.argv.slice(2);
const deadline = 60_000;
const table = 'RestQueued';

async function send(url, body) {
  const answer = await fetch(url, body === undefined ? {} :
    { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}
async function run(csl, at = engineUrl) {
  const answer = await send(`${at}/v1/rest/mgmt`, { db: database, csl });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body.Tables[0].Rows;
}
async function refused(path, body, code) {
  const answer = await send(dmUrl + path, body);
  assert.equal(answer.status, 400, JSON.stringify(answer.body));
  assert.ok(JSON.stringify(answer.body).includes(code), `${code} is not in ${JSON.stringify(answer.body)}`);
}

assert.equal((await run('.show version', dmUrl))[0][2], 'DataManagement');
assert.ok((await send(`${dmUrl}/v1/rest/auth/metadata`)).body.AzureAD.KustoServiceResourceId);
await run(`.create table ${table} (a:long, b:string)`);

const configuration = (await send(`${dmUrl}/v1/rest/ingestion/configuration`)).body;
const [place, signature] = configuration.containerSettings.containers[0].path.split('?');
const blobs = [];
for (const [name, text] of [['rest1.csv', '1,x\n'], ['rest2.csv', '2,y\n']]) {
  const url = `${place}/${name}?${signature}`;
  const put = await fetch(url, { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob', 'x-ms-version': '2023-11-03' }, body: text });
  assert.equal(put.status, 201);
  blobs.push({ url, sourceId: randomUUID(), rawSize: text.length });
}
blobs.push({ url: `${place}/absent.csv?${signature}`, sourceId: randomUUID() });
const path = `/v1/rest/ingestion/queued/${database}/${table}`;
const properties = { format: 'csv', enableTracking: true, skipBatching: true, tags: ['drop-by:rest'] };
const queued = await send(dmUrl + path, { timestamp: new Date().toISOString(), blobs, properties });
assert.equal(queued.status, 200, JSON.stringify(queued.body));
const id = queued.body.ingestionOperationId;
let state;
for (const end = Date.now() + deadline; Date.now() < end;) {
  state = (await send(`${dmUrl}${path}/${encodeURIComponent(id)}?details=true`)).body;
  if (state.status.InProgress === 0) break;
}
assert.deepEqual(state.status, { Succeeded: 2, Failed: 1, InProgress: 0, Canceled: 0 });
assert.equal(state.details.find((one) => one.status === 'Failed').errorCode, 'Download_SourceNotFound');
assert.ok(!JSON.stringify(state).includes('sig='));
assert.deepEqual(await run(`.show table ${table} extents | summarize sum(RowCount) by Tags`), [['drop-by:rest', 2]]);
assert.equal((await run(`.show queued ingestion operations "${id}" | project State, Ingested, Failed`, dmUrl)).join(), 'Completed,2,1');

const untracked = await send(dmUrl + path, { blobs: blobs.slice(0, 1), properties: { format: 'csv' } });
assert.equal(untracked.body.ingestionOperationId, '');
await refused(path, { blobs, properties: {} }, 'BadRequest_MalformedIngestionProperty');
await refused(path, { blobs: [], properties }, 'BadRequest_EmptyBlobUri');
await refused(path, { blobs: [{ url: '' }], properties }, 'BadRequest_EmptyBlobUri');
await refused(path, { blobs: Array(21).fill(blobs[0]), properties }, 'BadRequest_MalformedIngestionProperty');
await refused(path, { blobs, properties: { ...properties, tags: 'x' } }, 'BadRequest_MalformedIngestionProperty');
await refused(`/v1/rest/ingestion/queued/${database}/Absent`, { blobs, properties }, 'BadRequest_TableNotExist');
const absent = await send(`${dmUrl}${path}/nothing`);
assert.ok(absent.status === 400 || absent.status === 404, String(absent.status));
console.log('rest: two of three blobs, tracked; what is refused');
