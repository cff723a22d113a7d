"""Tables of a survey's database, held to what a survey makes: a file from elsewhere may hold anything.

Views, macros, defaults and the like are SQL of whoever made the file, which would run within the reader's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fiberscope.problem import FiberscopeError
from fiberscope.survey.database import Database
from fiberscope.survey.plan import Plan
from fiberscope.survey.plan_fields import shown

PLAN_KEPT = "plan"
"""Table of the plan that the records belong to; surveys of earlier versions have none."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,254}")
_NUMBERS = ("BIGINT", "FLOAT", "DOUBLE")
_RECORDS = {"image": "BIGINT", "name": "VARCHAR", "label": "BIGINT", "outcome": "VARCHAR", "error": "VARCHAR"}
_TYPES = {"records": {*_NUMBERS, "VARCHAR"}}
_ANY = {*_NUMBERS, "VARCHAR", "INTEGER", "BOOLEAN", "BLOB"}
_WANTED: Mapping[str, Mapping[str, str]] = {
    "records": _RECORDS,
    "columns": {
        **{"place": "INTEGER", "main": "BOOLEAN"},
        **dict.fromkeys(("name", "measure", "type", "unit", "meaning"), "VARCHAR"),
    },
    "tasks": {**dict.fromkeys(("task", "start", "stop", "failed"), "BIGINT"), "seconds": "DOUBLE"},
}
# Asked by their whole names, and filtered by no function: a macro may have any name, also that of these.
_NOTHING_ELSE = (
    ("a view", "SELECT view_name FROM system.main.duckdb_views() WHERE NOT internal"),
    ("a macro", "SELECT function_name FROM system.main.duckdb_functions() WHERE NOT internal"),
    ("a schema", "SELECT schema_name FROM system.main.duckdb_schemas() WHERE NOT internal"),
    ("a type", "SELECT type_name FROM system.main.duckdb_types() WHERE NOT internal"),
    ("a sequence", "SELECT sequence_name FROM system.main.duckdb_sequences()"),
    ("an index", "SELECT index_name FROM system.main.duckdb_indexes()"),
    ("a constraint of", "SELECT table_name FROM system.main.duckdb_constraints()"),
)
_TRIGGERS = ("SELECT trigger_name FROM system.main.duckdb_triggers()", "a trigger")
_SHIPPED = {
    **dict.fromkeys(("network_class", "partner", "partner_label", "seen_class", "judged_class", "rank"), "BIGINT"),
    **dict.fromkeys(("search", "verdict"), "VARCHAR"),
}
_OF = ("recognition", "spectrum", "nearest", "collisions")  # measures that ship, whose columns a page knows by name


def refuse_odd_tables(database: Database, plan: Plan, *, argument: str) -> None:
    """Raise FiberscopeError where a database holds other things than a survey makes, or of other images."""
    where = f"{argument}: {database.path}"
    _refuse_other_things(database, where)
    found = _types(database, where)
    for table, wanted in _WANTED.items():
        for name, kind in wanted.items():
            if found.get(table, {}).get(name) != kind:
                there = found.get(table, {}).get(name, "none")
                raise _refusal(where, f"a column {name} of type {there} in the table {table}, wanted {kind}")
    _refuse_other_columns(database, found["records"], where)
    _refuse_other_places(database, plan.images, where)


def _refuse_other_things(database: Database, where: str) -> None:
    for what, sql in _NOTHING_ELSE:
        for (name,) in database.ask(sql).rows:
            raise _refusal(where, f"{what} {shown(name)}, wanted tables alone")
    sql, what = _TRIGGERS
    try:
        rows = database.ask(sql).rows
    except FiberscopeError:  # a version of the database that knows no triggers
        return
    for (name,) in rows:
        raise _refusal(where, f"{what} {shown(name)}, wanted tables alone")


def _types(database: Database, where: str) -> dict[str, dict[str, str]]:
    """Types of the columns of each table."""
    asked = "SELECT table_name, column_name, data_type, column_default FROM system.main.duckdb_columns() "
    found: dict[str, dict[str, str]] = {}
    for table, name, kind, default in database.ask(f"{asked} WHERE NOT internal").rows:
        if not _NAME.fullmatch(table) or not _NAME.fullmatch(name):
            raise _refusal(
                where, f"a column {shown(name)} of the table {shown(table)}, wanted small letters, digits and _"
            )
        if kind not in _TYPES.get(table, _ANY) or default is not None:
            told = f"of type {shown(kind)}" if default is None else "that is computed"
            raise _refusal(where, f"a column {name} {told} in the table {table}, wanted plain numbers or text")
        found.setdefault(table, {})[name] = kind
    return found


def _refuse_other_columns(database: Database, records: Mapping[str, str], where: str) -> None:
    """The table of columns names each column of the records with its type, and beside them arrays of images."""
    told: dict[str, str] = {}
    rows = database.ask("SELECT name, measure, type, unit, meaning, main FROM columns").rows
    for name, measure, kind, *words in rows:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in told:
            raise _refusal(where, f"a row {shown(name)} of the table columns, wanted each column's name once")
        if None in (measure, kind, *words):
            raise _refusal(where, f"a row {name} of the table columns that lacks a word, wanted all")
        wanted = records.get(name, f"arrays.zarr/{name}")
        if kind != wanted:
            raise _refusal(where, f"{name} of type {shown(kind)} in the table columns, wanted {wanted}")
        if measure in _OF and kind != _SHIPPED.get(name, kind):
            raise _refusal(where, f"{name} of type {shown(kind)}, wanted {_SHIPPED[name]}")
        told[name] = kind
    missing = [name for name in records if name not in told]
    if missing:
        raise _refusal(where, f"no row {missing[0]} in the table columns, wanted one for each column of records")


def _refuse_other_places(database: Database, images: int, where: str) -> None:
    count, known, low, high = database.ask("SELECT count(*), count(image), min(image), max(image) FROM records").rows[0]
    if count and not (count == known and low >= 0 and high < images):
        raise _refusal(
            where,
            f"{count} records of images {low} to {high}, a place beyond the plan, wanted images from 0 to {images - 1}",
        )
    sql = "SELECT count(*), least(count(task), count(start), count(stop), count(failed), count(seconds)), "
    sql += "min(start), max(stop), count(*) FILTER (WHERE start < stop AND failed >= 0 AND seconds >= 0) FROM tasks"
    count, known, low, high, sound = database.ask(sql).rows[0]
    if count and not (count == known == sound and low >= 0 and high <= images):
        raise _refusal(
            where, f"tasks of images {low} to {high}, a place beyond the plan, wanted each within 0 to {images}"
        )


def _refusal(where: str, found: str) -> FiberscopeError:
    return FiberscopeError(f"{where} is no database of a survey: found {found}. Restore the file; nothing was changed.")
