"""The plan that records were begun with, kept beside them: an edit of the file is told, and refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fiberscope.problem import FiberscopeError
from fiberscope.survey.database import Database
from fiberscope.survey.plan import PLAN, Plan, plan_of
from fiberscope.survey.plan_fields import parse_plan, shown
from fiberscope.survey.tables import PLAN_KEPT

_MOST = 5  # differences in a message


def keep_plan(database: Database, plan: Plan) -> None:
    """Write the plan with its hash into the database, where none is kept yet: surveys of earlier versions have none."""
    if not _is_kept(database):
        content = _content(plan)
        database.ask(f"CREATE TABLE {PLAN_KEPT} (sha256 VARCHAR, content VARCHAR)")
        database.ask(f"INSERT INTO {PLAN_KEPT} VALUES (?, ?)", (_hash(content), content))


def refuse_edited(database: Database, plan: Plan, *, argument: str) -> None:
    """Raise FiberscopeError that names the fields in which the plan is not the one that is kept with the records."""
    if not _is_kept(database):
        return
    where = f"{argument}: {database.path}"
    rows = database.ask(f"SELECT * FROM {PLAN_KEPT}").rows
    if len(rows) != 1 or len(rows[0]) != 2 or not isinstance(rows[0][1], str) or _hash(rows[0][1]) != rows[0][0]:
        raise FiberscopeError(f"{where}: the plan that it keeps is damaged. Restore the file; nothing was changed.")
    if _content(plan) == rows[0][1]:
        return
    try:
        before = plan_of(parse_plan(rows[0][1].encode()), where=where)
    except ValueError as error:  # FiberscopeError is one, and says the same
        raise FiberscopeError(f"{where}: the plan that it keeps cannot be read ({error}).") from error
    told = _differences(before, plan)
    more = f"; and {len(told) - _MOST} more" if len(told) > _MOST else ""
    raise FiberscopeError(
        f"{argument}: {_plan_of(database)} is another one than the records were begun with: "
        f"{'; '.join(told[:_MOST])}{more}. Put back what it was, or begin another survey in a folder of its own; "
        "nothing was changed."
    )


def _is_kept(database: Database) -> bool:
    tables = database.ask("SELECT table_name FROM system.main.duckdb_tables() WHERE NOT internal").rows
    return (PLAN_KEPT,) in tables


def _content(plan: Plan) -> str:
    # Of the values, not of the file: another indentation is the same plan.
    return json.dumps(asdict(plan), sort_keys=True)


def _hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _differences(before: Plan, now: Plan) -> list[str]:
    old, new = _flat(before), _flat(now)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [f"{name} was {shown(old.get(name))} and is {shown(new.get(name))}" for name in names]


def _flat(plan: Plan) -> dict[str, Any]:
    """Fields, and those of objects each for itself, so that no more is told than what differs."""
    found = json.loads(json.dumps(asdict(plan)))
    flat = {name: value for name, value in found.items() if not isinstance(value, dict)}
    for name, value in found.items():
        if isinstance(value, dict):
            flat |= {f"{name}, {key}": each for key, each in value.items()}
    return flat


def _plan_of(database: Database) -> Path:
    return database.path.with_name(PLAN)
