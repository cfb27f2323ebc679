// azure-kusto-ingest: streaming ingestion, which needs no storage account.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { before, test } from "node:test";
import { Client, KustoConnectionStringBuilder } from "azure-kusto-data";
import { DataFormat, IngestionProperties, StreamingIngestClient } from "azure-kusto-ingest";

const url = process.env.KC_ENGINE.replace("127.0.0.1", "localhost");
const builder = () => KustoConnectionStringBuilder.withAccessToken(url, "any");
const client = new Client(builder());
const ingest = new StreamingIngestClient(builder());

const rows = async (text) => [...(await client.execute("NodeDb", text)).primaryResults[0].rows()].map((row) => row.raw);
const into = (table, format, mapping) =>
  new IngestionProperties({ database: "NodeDb", table, format, ...(mapping && { ingestionMappingReference: mapping }) });

before(async () => {
  await client.execute("NetDefaultDB", ".create database NodeDb volatile");
  for (const table of ["Streamed", "Off"]) await client.execute("NodeDb", `.create table ${table} (a:long, b:string, c:datetime)`);
  await client.execute("NodeDb", ".alter table Streamed policy streamingingestion '{\"IsEnabled\": true}'");
  await client.execute("NodeDb", `.create table Streamed ingestion json mapping "M"
    '[{"column":"a","Properties":{"Path":"$.x"}},{"column":"b","Properties":{"Path":"$.y"}}]'`);
});

test("csv from a stream, compressed by the SDK", async () => {
  await ingest.ingestFromStream(Readable.from(["1,one,2024-01-01T00:00:00.0000001Z\n2,\"t\"\"wo\",\n"]), into("Streamed", DataFormat.CSV));
  assert.deepEqual(await rows("Streamed | where a in (1, 2) | order by a asc"), [
    [1, "one", "2024-01-01T00:00:00.0000001Z"],
    [2, 't"wo', null],
  ]);
});

test("csv from a file", async () => {
  const file = join(process.env.KC_FOLDER, "three.csv");
  writeFileSync(file, "3,three,\n");
  await ingest.ingestFromFile(file, into("Streamed", DataFormat.CSV));
  assert.deepEqual(await rows("Streamed | where a == 3 | project b"), [["three"]]);
});

test("json and multijson by a mapping", async () => {
  await ingest.ingestFromStream(Readable.from(['{"x":4,"y":"four"}\n{"x":5,"y":"five"}\n']), into("Streamed", DataFormat.JSON, "M"));
  await ingest.ingestFromStream(Readable.from(['[{"x":6,"y":"six"},\n{"x":7,"y":"seven"}]']), into("Streamed", DataFormat.MULTIJSON, "M"));
  assert.deepEqual(await rows("Streamed | where a between (4 .. 7) | order by a asc | project a, b"), [
    [4, "four"],
    [5, "five"],
    [6, "six"],
    [7, "seven"],
  ]);
});

const code = async (work) => {
  try {
    await work();
  } catch (error) {
    return error.response.data.error.code;
  }
  return assert.fail("it was ingested");
};

test("refusals carry the service's codes", async () => {
  const data = () => Readable.from(["1,x,\n"]);
  assert.equal(await code(() => ingest.ingestFromStream(data(), into("Off", DataFormat.CSV))), "BadRequest_StreamingIngestionPolicyNotEnabled");
  assert.equal(await code(() => ingest.ingestFromStream(data(), into("Gone", DataFormat.CSV))), "BadRequest_TableNotExist");
  assert.equal(
    await code(() => ingest.ingestFromStream(Readable.from(["x".repeat(5 << 20)]), into("Streamed", DataFormat.CSV))),
    "Stream_InputStreamTooLarge",
  );
  assert.deepEqual(await rows("Off | count"), [[0]]);
});
