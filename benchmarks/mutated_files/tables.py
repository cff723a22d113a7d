"""Mutations of the database of a survey: other tables, views and macros, columns and cells that few expect."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random

import duckdb
from benchmarks.mutated_files import payloads
from benchmarks.mutated_files.mutations import Mutation, extreme

_TYPES = ("VARCHAR", "BLOB", "DOUBLE", "BIGINT[]", "DATE", "HUGEINT")
_TABLES = ("records", "columns", "tasks")


def table_mutations(outside: Path) -> tuple[Mutation, ...]:
    """Mutations of a database by statements, as whoever sends a survey folder can make them."""
    secret = outside / "secret.txt"

    def change_the_tables(content: bytes, random: Random) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.duckdb"
            path.write_bytes(content)
            with duckdb.connect(str(path)) as database:
                for _ in range(random.choice((1, 1, 2))):
                    for statement in _statements(database, random, outside, secret):
                        with suppress(duckdb.Error):
                            database.execute(statement)
            return path.read_bytes()

    return (change_the_tables,) * 9


def forget_more(folder: Path) -> None:
    """Drop whatever the records keep beside their tables, such as the plan: who edits that can edit this as well."""
    with duckdb.connect(str(folder / "records.duckdb")) as database:
        tables = [row[0] for row in database.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        for table in set(tables).difference(_TABLES):
            database.execute(f'DROP TABLE "{table}"')


def _statements(database: duckdb.DuckDBPyConnection, random: Random, outside: Path, secret: Path) -> list[str]:
    table = random.choice(_TABLES)
    names = [row[0] for row in database.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall()]
    name = random.choice(names)
    text = payloads.text(random, outside).replace("'", "''").encode(errors="ignore").decode().replace("\0", "")
    number = max(-(2**63), min(extreme(random), 2**63 - 1))
    hidden = f"ALTER TABLE {table} RENAME TO hidden"
    choices = (
        [
            hidden,
            f"CREATE VIEW {table} AS SELECT h.*, (SELECT content FROM read_text('{secret}')) AS leak FROM hidden h",
        ],
        [hidden, f"CREATE VIEW {table} AS SELECT * FROM hidden"],
        [hidden, f"CREATE VIEW {table} AS SELECT h.* FROM hidden h, range(1000000000)"],
        [f"DROP TABLE {table}"],
        [f'ALTER TABLE {table} DROP "{name}"'],
        [f'ALTER TABLE {table} RENAME "{name}" TO "{text.replace(chr(34), chr(34) * 2)[:1000]}"'],
        [f'ALTER TABLE {table} ADD COLUMN "{text.replace(chr(34), chr(34) * 2)[:1000]}" VARCHAR'],
        [f'ALTER TABLE {table} ALTER "{name}" TYPE {random.choice(_TYPES)}'],
        [f'UPDATE {table} SET "{name}" = NULL'],
        [f"UPDATE {table} SET \"{name}\" = '{text}'"],
        [f"UPDATE {table} SET \"{name}\" = '{text}' WHERE rowid = 0"],
        [f'UPDATE {table} SET "{name}" = {number}'],
        [f"UPDATE {table} SET \"{name}\" = 'nan'", f"UPDATE {table} SET \"{name}\" = 'inf' WHERE rowid = 0"],
        [f"DELETE FROM {table}"],
        [f"DELETE FROM {table} WHERE rowid = 1"],
        [f"INSERT INTO {table} SELECT * FROM {table}"],
        [f"INSERT INTO {table} SELECT t.* FROM {table} t, range(2000)"],
        [f"CREATE MACRO quantile_cont(a, b) AS (SELECT content FROM read_text('{secret}'))"],
        [f"CREATE MACRO count(a) AS {number}", "CREATE MACRO sum(a) AS 'x'"],
        ["CREATE SCHEMA other", f"CREATE TABLE other.{table} AS SELECT 1 AS x"],
        [hidden, f"CREATE TABLE {table} AS SELECT * FROM hidden", f'CREATE INDEX i ON {table} ("{name}")'],
    )
    return random.choice(choices)
