"""Loads the table with DuckDB and its own extensions for both databases: load_with_duckdb.py SOURCE URL, in the environment of comparison.sh."""

import sys
from importlib import import_module
from pathlib import Path

import duckdb

source, url = sys.argv[1:]
connection = duckdb.connect()
for name in ("sqlite_scanner", "postgres_scanner"):
    # From a package, since DuckDB would fetch them from a site of its own.
    extension = next(Path(import_module(f"duckdb_extension_{name}").__file__).parent.glob("extensions/*/*.duckdb_extension"))
    connection.execute(f"LOAD '{extension}'")
connection.execute(f"ATTACH '{source}' AS source (TYPE sqlite, READ_ONLY)")
connection.execute(f"ATTACH '{url}' AS target (TYPE postgres)")
connection.execute("INSERT INTO target.customer_config SELECT * FROM source.customer_config")
