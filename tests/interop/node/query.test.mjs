// azure-kusto-data: values, both versions, errors, request properties.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Client, ClientRequestProperties, KustoConnectionStringBuilder } from "azure-kusto-data";

const url = process.env.KC_ENGINE.replace("127.0.0.1", "localhost");
const client = new Client(KustoConnectionStringBuilder.withAccessToken(url, "any"));
const expected = JSON.parse(readFileSync(new URL("all_types.json", import.meta.url), "utf8"));
const names = ["Key", "Bool", "Int", "Long", "Real", "Decimal", "DateTime", "TimeSpan", "Guid", "String", "Dynamic"];

// What JSON.parse of the SDK makes of a number of 64 bits.
const asRead = (row) => row.map((value, at) => (names[at] === "Long" && value !== null ? Number(value) : value));

const properties = (options, parameters) => {
  const made = new ClientRequestProperties();
  for (const [name, value] of Object.entries(options ?? {})) made.setOption(name, value);
  for (const [name, value] of Object.entries(parameters ?? {})) made.setParameter(name, value);
  return made;
};

const check = (table) => {
  assert.deepEqual(table.columns.map((column) => column.name), names);
  assert.deepEqual(
    table.columns.map((column) => column.type),
    ["int", "bool", "int", "long", "real", "decimal", "datetime", "timespan", "guid", "string", "dynamic"],
  );
  const rows = [...table.rows()];
  assert.equal(rows.length, 48);
  expected.forEach((row, at) => assert.deepEqual(rows[at].raw, asRead(row)));
  assert.equal(rows[12].DateTime.toISOString(), "2024-03-22T10:12:00.000Z");
  assert.equal(rows[6].TimeSpan, 86400000);
  assert.ok(Object.is(rows[4].raw[4], -0));
};

const failure = async (work) => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return assert.fail("the request was answered");
};

test("AllTypes in v2 is exact", async () => {
  const answer = await client.execute("Samples", "AllTypes | order by Key asc");
  check(answer.primaryResults[0]);
  assert.equal(answer.version, "2.0");
  assert.equal(answer.statusTable.name, "QueryCompletionInformation");
});

test("AllTypes in v1 is exact", async () => {
  const answer = await client.executeQueryV1("Samples", "AllTypes | order by Key asc");
  check(answer.primaryResults[0]);
  assert.equal(answer.primaryResults.length, 1);
});

test("several statements are several tables, in both versions", async () => {
  for (const work of ["executeQuery", "executeQueryV1"]) {
    const answer = await client[work]("Samples", "print a = 1; print b = 'x'");
    assert.deepEqual(answer.primaryResults.map((table) => [...table.rows()][0].raw[0]), [1, "x"]);
  }
});

test("a command answers with one table", async () => {
  const answer = await client.execute("Samples", ".show tables | project TableName | order by TableName asc");
  const tables = [...answer.primaryResults[0].rows()].map((row) => row.TableName);
  assert.ok(tables.includes("AllTypes") && tables.includes("StormEvents"));
});

test("a semantic error is permanent and names its code", async () => {
  const error = await failure(() => client.execute("Samples", "NoSuchTable | count"));
  assert.equal(error.response.status, 400);
  const told = error.response.data.error;
  assert.equal(told["@permanent"], true);
  assert.match(told["@message"], /SEM0100/);
  assert.match(told["@message"], /NoSuchTable/);
});

test("a database that is not there", async () => {
  const error = await failure(() => client.execute("Nowhere", "print 1"));
  assert.equal(error.response.data.error.code, "BadRequest_DatabaseNotExist");
});

test("truncation is an error of the SDK unless deferred", async () => {
  const error = await failure(() => client.execute("Samples", "StormEvents", properties({ truncationmaxrecords: 10 })));
  assert.match(error.message, /80DA0003/);
  const all = await client.execute("Samples", "StormEvents | take 10", properties({ truncationmaxrecords: 10 }));
  assert.equal([...all.primaryResults[0].rows()].length, 10);
});

test("request properties change the answer", async () => {
  const one = async (text, options, parameters) =>
    [...(await client.execute("Samples", text, properties(options, parameters))).primaryResults[0].rows()][0].raw;
  assert.deepEqual(await one("print now()", { query_now: "2024-01-01T00:00:00Z" }), ["2024-01-01T00:00:00.0000000Z"]);
  const declared = "declare query_parameters(n:long, s:string, d:datetime); print n, s, d";
  assert.deepEqual(await one(declared, {}, { n: 7, s: "it's", d: "datetime(2024-01-01)" }), [7, "it's", "2024-01-01T00:00:00.0000000Z"]);
  const timed = new ClientRequestProperties();
  timed.setTimeout(60_000);
  timed.clientRequestId = "Interop.node;1";
  assert.equal([...(await client.execute("Samples", "print 1", timed)).primaryResults[0].rows()][0].raw[0], 1);
});

test("a query ends at its timeout", async () => {
  const timed = new ClientRequestProperties();
  timed.setTimeout(300);
  const error = await failure(() => client.execute("Samples", "range a from 1 to 100000000000 step 1 | summarize sum(a % 7)", timed));
  assert.equal(error.response.status, 504);
  assert.equal(error.response.data.error["@permanent"], false);
});

test("raw progressive frames", async () => {
  const raw = properties({ results_progressive_enabled: true });
  raw.raw = true;
  const frames = await client.execute("Samples", "StormEvents | take 5000", raw);
  assert.equal(frames[0].IsProgressive, true);
  const rows = frames.filter((frame) => frame.FrameType === "TableFragment").flatMap((frame) => frame.Rows);
  assert.equal(rows.length, 5000);
  assert.equal(frames.find((frame) => frame.FrameType === "TableCompletion").RowCount, 5000);
});
