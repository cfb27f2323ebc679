"""azure-kusto-ingest: streaming ingestion of streams, files and data frames."""
import io
import os
import unittest

import pandas
from azure.kusto.data.data_format import DataFormat
from azure.kusto.data.exceptions import KustoApiError
from azure.kusto.ingest import IngestionProperties, KustoStreamingIngestClient

from engine import client, connection


def into(table, data_format=DataFormat.CSV, mapping=None):
    return IngestionProperties(database="PythonDb", table=table, data_format=data_format, ingestion_mapping_reference=mapping)


class Streaming(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client()
        cls.ingest = KustoStreamingIngestClient(connection())
        cls.client.execute("NetDefaultDB", ".create database PythonDb volatile")
        for table in ("Streamed", "Off"):
            cls.client.execute("PythonDb", f".create table {table} (a:long, b:string, c:real)")
        cls.client.execute("PythonDb", """.alter table Streamed policy streamingingestion '{"IsEnabled": true}'""")

    def rows(self, text):
        return [list(row) for row in self.client.execute("PythonDb", text).primary_results[0].raw_rows]

    def test_stream(self):
        self.ingest.ingest_from_stream(io.BytesIO("1,ünï,0.5\n2,,\n".encode()), into("Streamed"))
        self.assertEqual(self.rows("Streamed | where a in (1, 2) | order by a asc"), [[1, "ünï", 0.5], [2, "", None]])

    def test_json_by_a_mapping(self):
        paths = '[{"column":"a","Properties":{"Path":"$.x"}},{"column":"b","Properties":{"Path":"$.y"}}]'
        self.client.execute("PythonDb", f""".create table Streamed ingestion json mapping "M" '{paths}'""")
        lines = b'{"x":6,"y":"six"}\n{"x":7,"y":"seven"}\n'
        self.ingest.ingest_from_stream(io.BytesIO(lines), into("Streamed", DataFormat.JSON, "M"))
        whole = b'[{"x":8,"y":"eight"},\n {"x":9,"y":"nine"}]'
        self.ingest.ingest_from_stream(io.BytesIO(whole), into("Streamed", DataFormat.MULTIJSON, "M"))
        self.assertEqual(
            self.rows("Streamed | where a between (6 .. 9) | order by a asc | project a, b"),
            [[6, "six"], [7, "seven"], [8, "eight"], [9, "nine"]],
        )
        self.assertEqual(self.refused(lines, into("Streamed", DataFormat.JSON, "Gone")).code, "BadRequest_MappingReferenceWasNotFound")

    def test_file(self):
        path = os.path.join(os.environ["KC_FOLDER"], "three.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("3,three,3.25\n")
        self.ingest.ingest_from_file(path, into("Streamed"))
        self.assertEqual(self.rows("Streamed | where a == 3"), [[3, "three", 3.25]])

    def test_data_frame(self):
        frame = pandas.DataFrame({"a": [4, 5], "b": ["four", 'fi"ve'], "c": [4.5, 5.5]})
        self.ingest.ingest_from_dataframe(frame, into("Streamed"))
        self.assertEqual(self.rows("Streamed | where a in (4, 5) | order by a asc"), [[4, "four", 4.5], [5, 'fi"ve', 5.5]])

    def refused(self, data, properties):
        with self.assertRaises(KustoApiError) as caught:
            self.ingest.ingest_from_stream(io.BytesIO(data), properties)
        return caught.exception.get_api_error()

    def test_refusals(self):
        error = self.refused(b"1,x,1\n", into("Off"))
        self.assertEqual(error.code, "BadRequest_StreamingIngestionPolicyNotEnabled")
        self.assertTrue(error.permanent)
        self.assertEqual(self.refused(b"1,x,1\n", into("Gone")).code, "BadRequest_TableNotExist")
        self.assertEqual(self.refused(b"x" * (5 << 20), into("Streamed")).code, "Stream_InputStreamTooLarge")
        self.assertEqual(self.rows("Off | count"), [[0]])
