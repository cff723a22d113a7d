"""Strings that would run, read or write something if anybody took them for more than a name: all of them harmless."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

MARK = "fiberscope_mark"
SECRET = "secret of another folder"
AS_WORD = re.compile(rf"\b{MARK}\b")

_SYSTEM = f"__import__('os').system('true {MARK}')"
_CODE = (
    # "\r" ends a line for Python, and not for those that indent after "\n" alone
    f'x")\rfrom os import system\rsystem("true {MARK}")\rdef forward(self):\r    q = ("',
    f"x\nimport os\nos.system('true {MARK}')\n#",
    f"x\u2028import os\u2028os.system('true {MARK}')",
    f"x = {_SYSTEM}; return x; #",
    _SYSTEM,
    f'"+{_SYSTEM}+"',
    f"'+{_SYSTEM}+'",
    f"{{{_SYSTEM}}}",
    f'x"] = {_SYSTEM} #',
    f"x'); import os; os.system('true {MARK}') #",
    f"{{{{ ''.__class__.__mro__[1].__subclasses__() }}}} {MARK} ",
    f"!!python/object/apply:os.system ['true {MARK}']",
    f"cos\nsystem\n(S'true {MARK}'\ntR.",
    f"$(true {MARK})",
    f"; true {MARK} #",
    f"x\"; COPY (SELECT 1) TO '{MARK}'; --",
)
_ODD = (
    "",
    " ",
    ".",
    "..",
    "__class__",
    "__init__.__globals__",
    "forward",
    "self",
    "class",
    "os.system",
    "builtins.eval",
    "torch.load",
    "_operator.attrgetter",
    "torch.ops.aten.from_file",
    "a" * 100_000,
    "é\u0301\u202eΩ",
    "\ud800",
    "\x00",
    "\x1b]0;title\x07\x1b[2J",
    "%s%s%s%n{0.__class__}",
    "nan",
    "-1",
    "1e999",
    "9" * 5000,
)


def trap(folder: Path) -> Path:
    """Write what must not be read and what must not run into a folder that no file has a right to; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret.txt").write_text(SECRET)
    (folder / "trap.py").write_text("def make():\n    raise SystemExit\n")
    return folder


def text(random: Random, outside: Path) -> str:
    """A hostile string: code, a path that leads away, or a name that few expect."""
    match random.randrange(4):
        case 0 | 1:
            return _CODE[0] if random.random() < 0.3 else random.choice(_CODE)
        case 2:
            return random.choice(_paths(outside))
        case _:
            return random.choice(_ODD)


def _paths(outside: Path) -> tuple[str, ...]:
    secret = outside / "secret.txt"
    return (
        str(secret),
        f"../{outside.name}/secret.txt",
        f"../../{outside.name}/secret.txt",
        f"{outside / 'trap.py'}:make",
        f"../{outside.name}/trap.py:make",
        f"hf:{outside}",
        f"file://{secret}",
        "http://127.0.0.1:9/x",
        "timm:resnet18",
        f"{outside / 'written'}",
        f"'; COPY (SELECT 1) TO '{outside / 'written'}'; --",
        f"x\" FROM read_text('{secret}') --",
        f"(SELECT content FROM read_text('{secret}'))",
    )
