"""Optional packages that are not installed: each file that imports one says so in the same class of error."""

import subprocess
import sys
from pathlib import Path

import pytest

import fiberscope as fs

SOURCE = Path(fs.__file__).parent
OPTIONAL = {
    "fiberscope.explorer.server": ("starlette", "explore"),
    "fiberscope.models.hugging_face": ("transformers", "huggingface"),
    "fiberscope.models.onnx_file": ("onnx", "onnx"),
    "fiberscope.models.timm_names": ("timm", "vision"),
    "fiberscope.models.torchvision_names": ("torchvision", "vision"),
    "fiberscope.survey.arrays": ("zarr", "survey"),
    "fiberscope.survey.database": ("duckdb", "survey"),
    "fiberscope.survey.engines.ray": ("ray", "ray"),
    "fiberscope.survey.lock": ("filelock", "survey"),
}
HIDDEN = f"""
import runpy, sys
import fiberscope as fs
optional = {OPTIONAL!r}
for module, (package, _) in optional.items():
    kept, sys.modules[package] = sys.modules.get(package), None
    try:
        runpy.run_path(f"{{fs.__path__[0]}}/{{module.removeprefix('fiberscope.').replace('.', '/')}}.py")
    except fs.MissingPackageError as error:
        print(module, isinstance(error, fs.FiberscopeError), isinstance(error, ImportError), error, sep="|")
    sys.modules[package] = kept
    if kept is None:
        del sys.modules[package]
"""


def test_every_optional_package_is_missed_in_the_same_words_and_class():
    done = subprocess.run([sys.executable, "-c", HIDDEN], capture_output=True, text=True, timeout=100, check=True)
    told = {line.split("|")[0]: line.split("|")[1:] for line in done.stdout.splitlines()}
    assert list(told) == list(OPTIONAL), done.stderr
    for module, (_, extra) in OPTIONAL.items():
        is_fiberscopes, is_import_error, message = told[module]
        assert (is_fiberscopes, is_import_error) == ("True", "True")
        assert message.endswith(f"pip install 'fiberscope[{extra}]'")


def test_no_other_file_tells_of_a_missing_package():
    telling = {path for path in SOURCE.rglob("*.py") if "pip install 'fiberscope[" in path.read_text(encoding="utf-8")}
    assert telling == {SOURCE.parent / f"{module.replace('.', '/')}.py" for module in OPTIONAL}


def test_what_catches_import_errors_or_refusals_catches_it():
    for kind in (ImportError, fs.FiberscopeError, ValueError):
        with pytest.raises(kind, match=r"^some words$"):
            raise fs.MissingPackageError("some words", name="zarr")
