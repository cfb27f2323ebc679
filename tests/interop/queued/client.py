"""The official Python client queues a file, a stream and a blob that fails, and reads what became of them."""
import io
import json
import os
import sys
import tempfile
import time

from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.data_format import DataFormat, IngestionMappingKind
from azure.kusto.ingest import (BlobDescriptor, FileDescriptor, IngestionProperties, QueuedIngestClient, ReportLevel,
                                ReportMethod, StreamDescriptor)
from azure.kusto.ingest.status import KustoIngestStatusQueues

DEADLINE = 60
engine_url, dm_url, database = sys.argv[1:4]
engine = KustoClient(KustoConnectionStringBuilder(engine_url))
client = QueuedIngestClient(KustoConnectionStringBuilder(dm_url))
statuses = KustoIngestStatusQueues(client)


def run(command):
    return engine.execute_mgmt(database, command).primary_results[0]


def rows(query):
    return [list(row) for row in engine.execute(database, query).primary_results[0]]


def properties(data_format, **more):
    return IngestionProperties(database=database, table='PyQueued', data_format=data_format, flush_immediately=True,
                               report_level=ReportLevel.FailuresAndSuccesses, report_method=ReportMethod.Queue, **more)


def outcome(queue, source):
    """The message about one source: the others are taken and forgotten."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        for message in queue.pop(1):
            if message.IngestionSourceId == str(source):
                return message
    raise AssertionError(f'no outcome of {source}')


def expect(got, wanted):
    assert got == wanted, f'{got!r}, not {wanted!r}'


run('.create table PyQueued (a:long, b:string)')
run(".create table PyQueued ingestion json mapping 'm' '" +
    json.dumps([{'column': 'a', 'Properties': {'Path': '$.number'}}, {'column': 'b', 'Properties': {'Path': '$.text'}}]) + "'")

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'rows.csv')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('1,one\n2,"two, with a comma"\n')
    result = client.ingest_from_file(FileDescriptor(path), properties(DataFormat.CSV, drop_by_tags=['run7']))
expect(outcome(statuses.success, result.source_id).Table, 'PyQueued')
expect(rows('PyQueued | order by a asc'), [[1, 'one'], [2, 'two, with a comma']])
expect([row['Tags'] for row in run('.show table PyQueued extents')], ['drop-by:run7'])

stream = io.BytesIO(b'{"number":3,"text":"three"}\n{"number":4,"text":"\xc3\xbc"}\n')
once = dict(ingestion_mapping_reference='m', ingestion_mapping_kind=IngestionMappingKind.JSON, ingest_by_tags=['once'],
            ingest_if_not_exists=['once'])
result = client.ingest_from_stream(StreamDescriptor(stream), properties(DataFormat.JSON, **once))
outcome(statuses.success, result.source_id)
expect(rows('PyQueued | where a > 2 | order by a asc'), [[3, 'three'], [4, 'ü']])

# The same again: the tag is there, and nothing comes twice.
result = client.ingest_from_stream(StreamDescriptor(io.BytesIO(b'{"number":3,"text":"three"}\n')), properties(DataFormat.JSON, **once))
outcome(statuses.success, result.source_id)
expect(rows('PyQueued | count'), [[4]])

broken = io.BytesIO(b'5,"never closed\n')
result = client.ingest_from_stream(StreamDescriptor(broken), properties(DataFormat.CSV))
failure = outcome(statuses.failure, result.source_id)
expect(failure.ErrorCode, 'Stream_ClosingQuoteMissing')
expect(failure.FailureStatus, 'Permanent')

absent = dm_url.replace('http://', 'http://') + '/account/container/absent.csv?sig=nothing'
result = client.ingest_from_blob(BlobDescriptor(absent, 10), properties(DataFormat.CSV))
failure = outcome(statuses.failure, result.source_id)
expect(failure.ErrorCode, 'Download_SourceNotFound')
assert 'sig=' not in failure.IngestionSourcePath + failure.Details, 'a signature is shown'
expect(rows('PyQueued | count'), [[4]])
print('python: a file, a stream by a mapping, a repetition, two failures')
