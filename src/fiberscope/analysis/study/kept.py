"""Answers on disk: each whole as soon as it is there, so that an interrupted study goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fiberscope.analysis.answer import Answer
from fiberscope.analysis.records import to_csv, to_json
from fiberscope.analysis.run_folder import PROVENANCE, RunFolder, open_folder
from fiberscope.problem import FiberscopeError
from fiberscope.report import Figure, Section, Table


class Kept(NamedTuple):
    """An answer for the page, and the names of its files, the last of which holds the answer itself."""

    answer: Answer
    files: tuple[str, ...]


class Place(NamedTuple):
    """The folder of a study, and whether it holds answers of the same study to go on from."""

    folder: RunFolder
    resuming: bool


def open_place(path: Path, *, identity: Mapping[str, object], force: bool) -> Place:
    """Make the folder ready; an unfinished study of the same identity is gone on with, also under ``force``.

    Raises FiberscopeError when the folder holds a finished study, another one or anything else, without ``force``.
    """
    found = _unfinished(path)
    wanted = json.loads(json.dumps(identity, default=str))
    if found is None or (force and found != wanted):
        return Place(open_folder(path, force=force), resuming=False)
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if differing:
        name = differing[0]
        raise FiberscopeError(
            f"out: folder {path} holds an unfinished study with another {name} ({found.get(name)!r} there, "
            f"{wanted[name]!r} now). Finish it with the command that began it, name another folder, or give --force."
        )
    return Place(RunFolder(path), resuming=True)


def _unfinished(path: Path) -> dict[str, object] | None:
    """The identity of the unfinished study in the folder, None where there is none."""
    try:
        record = json.loads((path / PROVENANCE).read_bytes())
        identity = record["settings"]["identity"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return identity if isinstance(identity, dict) and not record.get("finished", True) else None


def keep(folder: RunFolder, name: str, answer: Answer) -> Kept:
    """Write pictures, arrays and tables of an answer, and last the answer: it stands for all of them."""
    files = {file: figure.image for file, figure in answer.figures.items()}
    for table, records in answer.records.items():
        files |= {f"{table}.csv": to_csv(records), f"{table}.json": to_json(records)}
    if answer.arrays:
        files[f"{name}.npz"] = _to_npz(answer)
    files[_page_part(name)] = json.dumps(_to_plain(answer, list(files)), indent=1).encode()
    for file, content in files.items():
        folder.write(file, content)
    return Kept(answer, tuple(files))


def read_kept(folder: RunFolder, name: str) -> Kept | None:
    """The answer that was kept under that name, without its arrays and tables; None where there is none, or not whole.

    Only for a folder whose identity is this study's.
    """
    path = folder.path / _page_part(name)
    if not path.is_file():
        return None
    try:
        plain = json.loads(path.read_bytes())
        figures = {
            file: Figure((folder.path / file).read_bytes(), words["caption"], words["alt"])
            for file, words in plain["figures"].items()
        }
        missing = [file for file in plain["files"] if not (folder.path / file).is_file()]
        sections = tuple(_to_section(section, figures) for section in plain["sections"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if missing:
        return None
    facts = tuple((str(words), str(value)) for words, value in plain["facts"])
    answer = Answer(sections, facts=facts, figures=figures, methods=tuple(plain["methods"]))
    return Kept(answer, (*plain["files"], path.name))


def _page_part(name: str) -> str:
    return f"{name}.answer.json"


def _to_npz(answer: Answer) -> bytes:
    buffer = BytesIO()
    arrays = {name: values.detach().cpu().numpy() for name, values in answer.arrays.items()}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _to_plain(answer: Answer, files: Sequence[str]) -> dict[str, object]:
    names = {id(figure): file for file, figure in answer.figures.items()}
    return {
        "facts": answer.facts,
        "figures": {file: {"caption": it.caption, "alt": it.alt} for file, it in answer.figures.items()},
        "sections": [
            {
                "question": section.question,
                "finding": section.finding,
                "body": [_element(element, names) for element in section.body],
            }
            for section in answer.sections
        ],
        "methods": answer.methods,
        "files": files,
    }


def _element(element: Figure | Table | str, names: Mapping[int, str]) -> str | dict[str, object]:
    if isinstance(element, Figure):
        return {"figure": names[id(element)]}
    if isinstance(element, Table):
        return {"columns": element.columns, "rows": element.rows, "caption": element.caption}
    return element


def _to_section(plain: Mapping[str, object], figures: Mapping[str, Figure]) -> Section:
    body = plain["body"]
    if not isinstance(body, list):
        raise TypeError("a section's body is a list")
    elements = tuple(_to_element(element, figures) for element in body)
    return Section(str(plain["question"]), str(plain["finding"]), elements)


def _to_element(plain: str | Mapping[str, object], figures: Mapping[str, Figure]) -> Figure | Table | str:
    if isinstance(plain, str):
        return plain
    if "figure" in plain:
        return figures[str(plain["figure"])]
    columns, rows = plain["columns"], plain["rows"]
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise TypeError("a table has lists of columns and rows")
    return Table(tuple(columns), tuple(tuple(row) for row in rows), str(plain["caption"]))
