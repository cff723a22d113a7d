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
from fiberscope.report import Code, Figure, Section, Table


class Kept(NamedTuple):
    """An answer for the page, and the names of its files, the last of which holds the answer itself."""

    answer: Answer
    files: tuple[str, ...]


class Begun(NamedTuple):
    """An unfinished study: what it is of, which files it has, when it began, and how long each question took."""

    identity: Mapping[str, object]
    files: tuple[str, ...]
    started_at: str
    seconds: dict[str, float]


class Place(NamedTuple):
    """The folder of a study, and the unfinished one in it to go on from, None where there is none."""

    folder: RunFolder
    begun: Begun | None


def open_place(path: Path, *, identity: Mapping[str, object], force: bool) -> Place:
    """Make the folder ready; an unfinished study of the same identity is gone on with, also under ``force``.

    Raises FiberscopeError when the folder holds a finished study, another one or anything else, without ``force``.
    """
    begun = _read_begun(path)
    wanted = json.loads(json.dumps(identity, default=str))
    if begun is None:
        return Place(open_folder(path, force=force), None)
    if begun.identity == wanted:
        for stray in path.glob(".*.partial"):  # of a write that was killed
            stray.unlink(missing_ok=True)
        return Place(RunFolder(path), begun)
    if not force and begun.files:
        name = next(name for name in {**begun.identity, **wanted} if begun.identity.get(name) != wanted.get(name))
        raise FiberscopeError(
            f"out: folder {path} holds an unfinished study with another {name} ({begun.identity.get(name)!r} there, "
            f"{wanted.get(name)!r} now). Finish it with the command that began it, name another folder, or give "
            "--force."
        )
    return Place(open_folder(path, force=True), None)


def check_place(path: Path, *, force: bool) -> None:
    """Refuse a folder that could not be written in any case, before anything is loaded."""
    if _read_begun(path) is None:
        open_folder(path, force=force)


def _read_begun(path: Path) -> Begun | None:
    """The unfinished study in the folder, None where there is none."""
    try:
        record = json.loads((path / PROVENANCE).read_bytes())
        seconds = {str(name): float(value) for name, value in record["seconds"].items()}
        begun = Begun(dict(record["settings"]["identity"]), tuple(record["files"]), str(record["started_at"]), seconds)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return None if record.get("finished", True) else begun


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
        facts = tuple((str(words), str(value)) for words, value in plain["facts"])
        methods, failure = tuple(map(str, plain["methods"])), str(plain["failure"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if missing:
        return None
    answer = Answer(sections, facts=facts, figures=figures, methods=methods, failure=failure)
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
        "failure": answer.failure,
        "files": files,
    }


def _element(element: Figure | Table | Code | str, names: Mapping[int, str]) -> str | dict[str, object]:
    if isinstance(element, Figure):
        return {"figure": names[id(element)]}
    if isinstance(element, Code):
        return {"code": element.text}
    if isinstance(element, Table):
        return {"columns": element.columns, "rows": element.rows, "caption": element.caption}
    return element


def _to_section(plain: Mapping[str, object], figures: Mapping[str, Figure]) -> Section:
    body = plain["body"]
    if not isinstance(body, list):
        raise TypeError("a section's body is a list")
    elements = tuple(_to_element(element, figures) for element in body)
    return Section(str(plain["question"]), str(plain["finding"]), elements)


def _to_element(plain: str | Mapping[str, object], figures: Mapping[str, Figure]) -> Figure | Table | Code | str:
    if isinstance(plain, str):
        return plain
    if "figure" in plain:
        return figures[str(plain["figure"])]
    if "code" in plain:
        return Code(str(plain["code"]))
    columns, rows = plain["columns"], plain["rows"]
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise TypeError("a table has lists of columns and rows")
    return Table(tuple(columns), tuple(tuple(row) for row in rows), str(plain["caption"]))
