"""Watching a process: code that did not come with an installed package, and whatever it does outside its folder."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType

from benchmarks.mutated_files.payloads import AS_WORD, MARK

_RUNS = re.compile(
    r"os\.(system|exec|fork|forkpty|posix_spawn|spawn|startfile)|subprocess\.Popen|pty\.spawn|pickle\.find_class"
)
_NETWORK = re.compile(
    r"socket\.(connect|bind|getaddrinfo|gethostby\w+|sendto|sendmsg)|urllib\.Request|http\.client\.connect"
)
_CHANGES = re.compile(r"os\.(remove|rename|rmdir|mkdir|chmod|chown|link|symlink|truncate)|shutil\.\w+")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_DEVICES = ("/proc/", "/sys/", "/dev/null", "/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo")
_ONLY_PARSED = "<unknown>"  # ast.parse compiles no code


class ForbiddenError(Exception):
    """What a file asked for is not done."""


class Watch:
    """An audit hook, off until `watching`; it forbids what it reports.

    Code may come from installed packages and from ``trusted``; files may be read there and in ``work``, and written in
    ``work`` alone. Generated code may not hold a payload.
    """

    def __init__(self, *, trusted: tuple[Path, ...], work: Path):
        installed = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *map(str, trusted)}
        self._trusted = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in installed if folder)
        self._trusted += tuple(f"{folder}{os.sep}" for folder in installed if folder)
        self._work = (f"{work}{os.sep}", f"{os.path.realpath(work)}{os.sep}")
        self._usual: set[str] = set()
        self._seen: list[str] | None = None
        sys.addaudithook(self._hear)

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """What happens in the block that may not, in words."""
        self._seen = found = []
        try:
            yield found
        finally:
            self._seen = None

    def allow(self, events: list[str]) -> None:
        """Count as usual what happens with good files as well."""
        self._usual.update(events)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        seen = self._seen
        if seen is None:
            return
        self._seen = None  # what this looks at is nobody's doing
        try:
            trouble = self._trouble(event, arguments)
        finally:
            self._seen = seen
        if trouble is not None and trouble not in self._usual:
            seen.append(trouble)
            raise ForbiddenError(trouble)

    def _trouble(self, event: str, arguments: tuple[object, ...]) -> str | None:
        match event:
            case "exec" | "function.__new__":
                trouble = self._of_code(arguments[0])
            case "compile":
                trouble = self._of_source(arguments[0], arguments[1])
            case "open":
                trouble = self._of_file(arguments[0], arguments[2])
            case "import":
                trouble = f"imports {arguments[0]}" if AS_WORD.search(str(arguments[0])) else None
            case "ctypes.dlopen":
                trouble = None if self._is_trusted(arguments[0]) else f"loads the library {arguments[0]}"
            case _:
                trouble = self._of_another(event, arguments)
        return trouble

    def _of_another(self, event: str, arguments: tuple[object, ...]) -> str | None:
        acts = _RUNS.fullmatch(event) or _NETWORK.fullmatch(event)
        changes = _CHANGES.fullmatch(event) and not any(self._is_in_work(each) for each in arguments)
        return f"{event} {_words(arguments)}" if acts or changes else None

    def _of_code(self, code: object) -> str | None:
        if not isinstance(code, CodeType):
            return f"runs {code!r:.80}"
        if code.co_filename.startswith("<"):
            return f"runs code with a payload, of {code.co_filename}" if _holds_payload(code) else None
        return None if self._is_trusted(code.co_filename) else f"runs {code.co_filename}"

    def _of_source(self, source: object, name: object) -> str | None:
        words = bytes(source).decode(errors="replace") if isinstance(source, bytes | bytearray) else source
        if name == _ONLY_PARSED or not isinstance(words, str):
            return None
        return f"compiles a payload, as {name}" if AS_WORD.search(words) and not self._is_trusted(name) else None

    def _of_file(self, path: object, flags: object) -> str | None:
        if isinstance(path, int) or path is None or self._is_in_work(path):
            return None
        if isinstance(flags, int) and flags & _WRITING and os.fsdecode(path) != os.devnull:
            return f"writes {os.fsdecode(path)}"
        return None if self._is_trusted(path) else f"reads {os.fsdecode(path)}"

    def _is_trusted(self, path: object) -> bool:
        if path is None:
            return True
        name = os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]
        return name.startswith((*self._trusted, *_DEVICES)) or f"{name}{os.sep}" in self._trusted

    def _is_in_work(self, path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        name = os.path.abspath(os.fsdecode(path))
        return f"{name}{os.sep}".startswith(self._work)


def _holds_payload(code: CodeType) -> bool:
    if MARK in (*code.co_names, *code.co_varnames, *code.co_freevars):
        return True
    constants = [each for each in code.co_consts if each is not code]
    texts = [each.decode(errors="replace") if isinstance(each, bytes) else each for each in constants]
    return any(AS_WORD.search(each) for each in texts if isinstance(each, str)) or any(
        _holds_payload(each) for each in constants if isinstance(each, CodeType)
    )


def _words(arguments: tuple[object, ...]) -> str:
    return ", ".join(f"{each!r:.80}" for each in arguments)
