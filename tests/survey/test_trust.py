"""Python files that a plan names: those of one's own surveys run, others where the user says so."""

import json
import shutil

import numpy as np
import pytest

from commands import run_command
from fiberscope.explorer import open_scene
from fiberscope.problem import FiberscopeError
from fiberscope.survey import files_to_trust, resume_survey, run_survey
from fiberscope.survey.trust import ENVIRONMENT
from surveys import as_command, choose, edit_plan, forget_plan, write_survey

COUNT = 2


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A survey of two images, its files and the place where trust is remembered."""
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "state" / "trusted.json"))
    files = tmp_path / "files"
    network = write_survey(files)
    for name in ("network.py", "own.py"):
        mark = f"from pathlib import Path\nPath({str(tmp_path / name)!r} + '.ran').touch()\n"
        (files / name).write_text((files / name).read_text().replace("import torch\n", f"import torch\n{mark}", 1))
    choice = choose(files, tmp_path / "survey", "recognition", "own:own", limit=COUNT, batch_size=2)
    run_survey(choice, network)
    assert ran(tmp_path) == {"network.py", "own.py"}
    return tmp_path


def ran(folder):
    """Which files have run since this was asked."""
    found = {path.stem for path in folder.glob("*.ran")}
    for path in folder.glob("*.ran"):
        path.unlink()
    return found


def test_ones_own_survey_is_resumed_and_explored_without_asking(own):
    assert files_to_trust(own / "survey") == ()
    assert resume_survey(own / "survey").done == COUNT
    assert len(open_scene(survey=own / "survey").images) == COUNT
    assert ran(own) == {"network.py", "own.py"}


def test_files_of_somebody_else_run_only_where_the_user_says_so_and_this_is_remembered(own):
    (own / "state" / "trusted.json").unlink()
    asked = files_to_trust(own / "survey")
    assert [file.path.name for file in asked] == ["network.py", "own.py"]
    for ask, command in (
        (lambda **trust: resume_survey(own / "survey", **trust), "fiberscope survey resume --trust --out"),
        (lambda **trust: open_scene(survey=own / "survey", **trust), "fiberscope explore --trust --survey"),
    ):
        (own / "state" / "trusted.json").unlink(missing_ok=True)
        with pytest.raises(FiberscopeError, match="runs Python code that you have not trusted") as told:
            ask()
        assert ran(own) == set()
        assert f"{command} {own / 'survey'}" in str(told.value)
        assert all(f"{file.path} (SHA-256 {file.sha256})" in str(told.value) for file in asked)
        ask(trust=True)
        assert "network.py" in ran(own)
        ask()
        assert "network.py" in ran(own)


def test_a_file_that_has_changed_runs_no_more_and_another_at_its_place_is_another(own):
    (own / "files" / "own.py").write_text((own / "files" / "own.py").read_text() + "# other\n")
    for trust in (False, True):
        with pytest.raises(FiberscopeError, match=r"the file of measure .*own\.py:own has changed"):
            resume_survey(own / "survey", trust=trust)
    assert ran(own) == set()


@pytest.mark.parametrize("field", ["model", "judges", "measures"])
def test_whatever_of_an_edited_plan_names_a_file_runs_none(field, own):
    evil = own / "survey" / "evil.py"
    evil.write_text(f"open({str(own / 'evil.ran')!r}, 'w')\n")
    forget_plan(own / "survey")
    plan = json.loads((own / "survey" / "plan.json").read_text())
    value = {"model": f"{evil}:make", "judges": [f"{evil}:make"], "measures": [f"{evil}:make", "recognition"]}[field]
    settings = {name: {} for name in (value if field == "measures" else plan["measures"])}
    edit_plan(own / "survey", **{"model_file_sha256": None, "measure_settings": settings, field: value})
    for ask in (lambda: resume_survey(own / "survey"), lambda: open_scene(survey=own / "survey")):
        with pytest.raises(FiberscopeError):
            ask()
    assert "evil" not in ran(own)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": 1}', b'[1, {"path": 5}, {"path": "a"}]', b"[" * 99999])
def test_a_damaged_memory_trusts_nothing_and_is_written_anew(content, own):
    (own / "state" / "trusted.json").write_bytes(content)
    with pytest.raises(FiberscopeError, match="not trusted"):
        resume_survey(own / "survey")
    resume_survey(own / "survey", trust=True)
    assert resume_survey(own / "survey").done == COUNT


def test_a_memory_that_cannot_be_written_asks_again(own, monkeypatch):
    (own / "file").touch()
    monkeypatch.setenv(ENVIRONMENT, str(own / "file" / "trusted.json"))
    assert resume_survey(own / "survey", trust=True).done == COUNT
    with pytest.raises(FiberscopeError, match="not trusted"):
        resume_survey(own / "survey")


def test_compiled_code_beside_a_trusted_file_does_not_run(own):
    import importlib.util
    import py_compile

    evil = own / "evil.py"
    evil.write_text(f"open({str(own / 'evil.ran')!r}, 'w')\n")
    cached = importlib.util.cache_from_source(str(own / "files" / "network.py"))
    py_compile.compile(
        str(evil), cfile=cached, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, doraise=True
    )
    assert resume_survey(own / "survey").done == COUNT
    assert ran(own) == {"network.py", "own.py"}


def test_the_commands_ask_once_and_then_no_more_also_of_workers_of_their_own(own):
    (own / "state" / "trusted.json").unlink()
    out, trusted = own / "survey", {ENVIRONMENT: str(own / "state" / "trusted.json")}
    shutil.rmtree(out)
    network = write_survey(own / "files")
    choice = choose(own / "files", out, "recognition", batch_size=12)
    begun = run_command(*as_command(choice, network), "--limit", COUNT, **trusted)
    assert begun.returncode == 0, begun
    with np.load(own / "files" / "data.npz"):
        pass
    (own / "state" / "trusted.json").unlink()
    asked = run_command("survey", "resume", "--out", out, **trusted)
    assert asked.returncode == 2
    assert f"{own / 'files' / 'network.py'} (SHA-256 " in asked.stderr
    told = run_command("survey", "resume", "--trust", "--out", out, **trusted)
    assert told.returncode == 0, told
    assert f"Trusted from now on: {own / 'files' / 'network.py'} (SHA-256 " in told.stdout
    again = run_command("survey", "resume", "--out", out, "--engine", "processes", "--workers", 1, **trusted)
    assert again.returncode == 0, again


def test_a_file_keeps_its_own_meaning_of_annotations(tmp_path):
    from fiberscope.models.user_model import load_object

    (tmp_path / "own.py").write_text("def make(x: int = 0): return make.__annotations__\n")
    assert load_object(f"{tmp_path / 'own.py'}:make") == {"x": int}
