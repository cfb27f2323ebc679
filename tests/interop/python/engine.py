"""The engine under test, and what the suites share."""
import json
import os

from azure.kusto.data import ClientRequestProperties, KustoClient, KustoConnectionStringBuilder

URL = os.environ["KC_ENGINE"].replace("127.0.0.1", "localhost")
NAMES = ["Key", "Bool", "Int", "Long", "Real", "Decimal", "DateTime", "TimeSpan", "Guid", "String", "Dynamic"]


def connection():
    return KustoConnectionStringBuilder.with_no_authentication(URL)


def client():
    return KustoClient(connection())


def expected():
    """Rows of all_types.json with a whole long."""
    with open(os.environ["KC_ALL_TYPES"], encoding="utf-8") as file:
        rows = json.load(file)
    for row in rows:
        row[3] = None if row[3] is None else int(row[3])
    return rows


def properties(options=None, parameters=None):
    made = ClientRequestProperties()
    for name, value in (options or {}).items():
        made.set_option(name, value)
    for name, value in (parameters or {}).items():
        made.set_parameter(name, value)
    return made
