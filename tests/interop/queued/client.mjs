// The official Node client queues a file, a stream and a stream that fails, and reads what became of them.
//   node client.mjs <folder with node_modules> <engine> <data management> <database>
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const [place, engineUrl, dmUrl, database] = process.argv.slice(2);
const find = createRequire(resolve(place, 'package.json')).resolve;
const { Client, KustoConnectionStringBuilder } = await import(pathToFileURL(find('azure-kusto-data')));
const { DataFormat, IngestClient, IngestionProperties, ReportLevel, ReportMethod, StreamDescriptor, IngestStatusQueues } =
  await import(pathToFileURL(find('azure-kusto-ingest')));

const deadline = 60_000;
const engine = new Client(new KustoConnectionStringBuilder(engineUrl));
const client = new IngestClient(new KustoConnectionStringBuilder(dmUrl));
const statuses = new IngestStatusQueues(client);
const table = 'NodeQueued';
const run = async (command) => (await engine.executeMgmt(database, command)).primaryResults[0];
const rows = async (query) => [...(await engine.executeQuery(database, query)).primaryResults[0].rows()].map((row) => row.raw);
const properties = (more) => new IngestionProperties({ database, table, flushImmediately: true,
  reportLevel: ReportLevel.FailuresAndSuccesses, reportMethod: ReportMethod.Queue, ...more });

// The next message about this table: each ingestion has one.
async function outcome(queue) {
  for (const end = Date.now() + deadline; Date.now() < end;) {
    for (const message of await queue.pop(1)) if (message.Table === table) return message;
  }
  throw new Error('no outcome');
}

await run(`.create table ${table} (a:long, b:string)`);
await run(`.create table ${table} ingestion json mapping 'm' '${JSON.stringify([
  { column: 'a', Properties: { Path: '$.number' } }, { column: 'b', Properties: { Path: '$.text' } }])}'`);

const folder = mkdtempSync(join(tmpdir(), 'queued-'));
try {
  const path = join(folder, 'rows.csv');
  writeFileSync(path, '1,one\n2,"two, with a comma"\n');
  await client.ingestFromFile(path, properties({ format: DataFormat.CSV, dropByTags: ['run7'] }));
} finally {
  rmSync(folder, { recursive: true });
}
assert.equal((await outcome(statuses.success)).Database, database);
assert.deepEqual(await rows(`${table} | order by a asc`), [[1, 'one'], [2, 'two, with a comma']]);

const stream = (text) => new StreamDescriptor(Readable.from([Buffer.from(text)]));
await client.ingestFromStream(stream('{"number":3,"text":"ü"}\n'),
  properties({ format: DataFormat.JSON, ingestionMappingReference: 'm' }));
await outcome(statuses.success);
assert.deepEqual(await rows(`${table} | where a == 3`), [[3, 'ü']]);

await client.ingestFromStream(stream('5,"never closed\n'), properties({ format: DataFormat.CSV }));
const failure = await outcome(statuses.failure);
assert.equal(failure.ErrorCode, 'Stream_ClosingQuoteMissing');
assert.equal(failure.FailureStatus, 'Permanent');
assert.deepEqual(await rows(`${table} | count`), [[3]]);
console.log('node: a file, a stream by a mapping, a failure');
process.exit(0);
