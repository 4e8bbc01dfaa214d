"""Loads the table with dlt: load_with_dlt.py SOURCE SOCKET DATABASE STATE, in the environment of comparison.sh.

By what dlt's manual recommends for speed: ConnectorX reads, and PostgreSQL gets Parquet files by ADBC, which does COPY. With CSV files dlt
is as fast, but it has PostgreSQL take every empty text for NULL.
"""

import os
import sys

source, socket, database, state = sys.argv[1:]
os.environ.update(DLT_DATA_DIR=state, RUNTIME__DLTHUB_TELEMETRY="false")

import dlt
from dlt.sources.sql_database import sql_table

table = sql_table(
    credentials=f"sqlite:///{source}", table="customer_config", backend="connectorx", backend_kwargs={"conn": f"sqlite://{source}"}
)
table.apply_hints(primary_key="id", write_disposition="append")
# dlt asks for a host and a password; the server is at a socket and wants none.
target = {
    "drivername": "postgresql",
    "database": database,
    "username": "backfill",
    "password": "none",
    "host": "localhost",
    "query": {"host": socket},
}
pipeline = dlt.pipeline("comparison", destination=dlt.destinations.postgres(credentials=target), dataset_name="public")
pipeline.run(table, loader_file_format="parquet").raise_on_failed_jobs()
