"""azure-kusto-data: values, data frames, errors, request properties, streamed answers."""
import math
import unittest
from datetime import timedelta
from decimal import Decimal

import pandas
import requests
from azure.kusto.data.exceptions import KustoApiError, KustoMultiApiError, KustoServiceError, KustoThrottlingError
from azure.kusto.data.helpers import dataframe_from_result_table
from azure.kusto.data.response import KustoResponseDataSetV1

from engine import NAMES, URL, client, expected, properties

QUERY = "AllTypes | order by Key asc"


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client()

    def check(self, table):
        self.assertEqual([column.column_name for column in table.columns], NAMES)
        self.assertEqual(table.rows_count, 48)
        for got, wanted in zip(table.raw_rows, expected()):
            self.assertEqual(list(got), wanted)
            self.assertEqual([type(value) for value in got], [type(value) for value in wanted])

    def test_v2_is_exact(self):
        self.check(self.client.execute("Samples", QUERY).primary_results[0])

    def test_v1_is_exact(self):
        # The client has no call for it; its parser is what this is about.
        got = requests.post(URL + "/v1/rest/query", json={"db": "Samples", "csl": QUERY}, timeout=60)
        self.check(KustoResponseDataSetV1(got.json()).primary_results[0])

    def test_typed_rows(self):
        rows = list(self.client.execute("Samples", QUERY).primary_results[0])
        self.assertEqual(rows[0]["Long"], 9223372036854775807)
        self.assertEqual(rows[7]["Decimal"], Decimal("123456789012345678.9012345678901234"))
        self.assertEqual(rows[7]["TimeSpan"], -timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=50))
        self.assertEqual(rows[12]["DateTime"].isoformat(), "2024-03-22T10:12:00.000001+00:00")
        self.assertEqual(rows[12]["Dynamic"], {"key": 12, "tags": ["a", "b12"]})
        self.assertIsNone(rows[2]["DateTime"])

    def test_data_frame(self):
        table = self.client.execute("Samples", "AllTypes | where Key between (3 .. 9) or Key == 12 | order by Key asc").primary_results[0]
        frame = dataframe_from_result_table(table, nullable_bools=True)
        self.assertEqual(list(frame.columns), NAMES)
        self.assertEqual(frame["Long"].tolist()[3], 9007199254740993)
        self.assertEqual(frame["Int"].tolist()[:4], [0, -1, 1, 2])
        self.assertEqual(frame["Real"].iloc[3], math.inf)
        self.assertEqual(frame["Real"].iloc[4], -math.inf)
        self.assertEqual(frame["Real"].iloc[5], 5e-324)
        self.assertEqual(frame["TimeSpan"].iloc[7], pandas.Timedelta(days=12, hours=1, minutes=2, seconds=3, nanoseconds=1200))
        self.assertEqual(frame["DateTime"].iloc[7], pandas.Timestamp("2024-03-22T10:12:00.0000012Z"))
        self.assertEqual(frame["String"].iloc[4], "üñï€ 日本 😀")

    def test_several_statements(self):
        answer = self.client.execute("Samples", "print a = 1; print b = 'x'")
        self.assertEqual([table.raw_rows[0][0] for table in answer.primary_results], [1, "x"])
        self.assertEqual(answer.errors_count, 0)

    def test_command(self):
        answer = self.client.execute_mgmt("Samples", ".show tables | project TableName")
        self.assertIn("AllTypes", [row["TableName"] for row in answer.primary_results[0]])


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client()

    def test_semantic(self):
        with self.assertRaises(KustoApiError) as caught:
            self.client.execute("Samples", "NoSuchTable | count")
        error = caught.exception.get_api_error()
        self.assertTrue(error.permanent)
        self.assertEqual(error.code, "General_BadRequest")
        self.assertIn("SEM0100", error.description)
        self.assertTrue(caught.exception.is_semantic_error())

    def test_syntax(self):
        with self.assertRaises(KustoApiError) as caught:
            self.client.execute("Samples", "print = ")
        self.assertEqual(caught.exception.get_api_error().code, "BadRequest_SyntaxError")

    def test_no_such_database(self):
        with self.assertRaises(KustoApiError) as caught:
            self.client.execute("Nowhere", "print 1")
        error = caught.exception.get_api_error()
        self.assertEqual(error.code, "BadRequest_DatabaseNotExist")
        self.assertEqual(error.type, "Kusto.Data.Exceptions.DatabaseNotFoundException")

    def test_partial_failure(self):
        with self.assertRaises(KustoMultiApiError) as caught:
            self.client.execute("Samples", "StormEvents", properties({"truncationmaxrecords": 10}))
        error = caught.exception.get_api_errors()[0]
        self.assertEqual(error.code, "LimitsExceeded")
        self.assertFalse(error.permanent)

    def test_deferred_partial_failure(self):
        options = {"truncationmaxrecords": 10, "deferpartialqueryfailures": True}
        answer = self.client.execute("Samples", "StormEvents", properties(options))
        self.assertEqual(answer.primary_results[0].rows_count, 10)
        self.assertEqual(answer.errors_count, 1)

    def test_timeout(self):
        asked = properties({"servertimeout": timedelta(milliseconds=300)})
        with self.assertRaises(KustoServiceError) as caught:
            self.client.execute("Samples", "range a from 1 to 100000000000 step 1 | summarize sum(a % 7)", asked)
        self.assertFalse(caught.exception.get_api_error().permanent)
        self.assertNotIsInstance(caught.exception, KustoThrottlingError)


class Properties(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client()

    def one(self, text, options=None, parameters=None):
        return self.client.execute("Samples", text, properties(options, parameters)).primary_results[0].raw_rows[0]

    def test_now(self):
        self.assertEqual(self.one("print now()", {"query_now": "2024-01-01T00:00:00Z"}), ["2024-01-01T00:00:00.0000000Z"])

    def test_take(self):
        answer = self.client.execute("Samples", "StormEvents", properties({"query_take_max_records": 3}))
        self.assertEqual(answer.primary_results[0].rows_count, 3)

    def test_parameters(self):
        text = "declare query_parameters(n:long, s:string, d:datetime); print n, s, d"
        given = {"n": 7, "s": "it's", "d": "datetime(2024-01-01)"}
        self.assertEqual(self.one(text, {}, given), [7, "it's", "2024-01-01T00:00:00.0000000Z"])

    def test_read_only(self):
        with self.assertRaises(KustoServiceError):
            self.client.execute("Samples", ".create table Never (a:long)", properties({"request_readonly": True}))

    def test_streamed_answer(self):
        answer = self.client.execute_streaming_query("Samples", "StormEvents | take 5000 | project StartTime, State")
        rows = list(next(answer.iter_primary_results()))
        self.assertEqual(len(rows), 5000)
        self.assertIsNotNone(rows[0]["StartTime"])
