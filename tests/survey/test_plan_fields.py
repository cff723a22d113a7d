"""A plan's file, held to its fields: what is none is told with what was found and what was wanted."""

import json
import shutil

import pytest

from commands import run_command
from fiberscope.problem import FiberscopeError
from fiberscope.survey import read_plan
from surveys import edit_plan


@pytest.fixture
def planned(done, tmp_path):
    shutil.copy(done / "plan.json", tmp_path / "plan.json")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("images", value) for value in ("24", True, 24.0, -1, 0, 10**30, None, [24])),
        *(("batch_size", value) for value in (0, -5, 10**12, "5", False)),
        *(("threads", value) for value in (0, 10**6, "1", 1.5)),
        *(("seed", value) for value in ("0", 2**64, None, 0.0)),
        *(("input_shape", value) for value in ([], [0], ["1"], [1, 28, True], 28, "28", [[1]])),
        *(("input_shape", value) for value in ([10**6] * 8, [2**13, 2**14])),
        *(("dtype", value) for value in ("float16", None, 32)),
        *(("device", value) for value in ("", "cuda:x", "/dev/null", 0, "cpu\n")),
        *(("model", value) for value in ("", None, "a\0b", "x.py:", "x.py:a/b.so:f", "a" * 300, "\ud800", 5)),
        *(("measures", value) for value in ([], "spectrum", ["spectrum", "spectrum"], [1], ["a.py:b/c.pyc:d"], None)),
        *(("measure_settings", value) for value in ([], None, {"spectrum": []}, {})),
        *(("preprocessing", value) for value in ({"mean": "x"}, {"a": 1}, {"std": [0]}, {"resize": [0, 1]}, [])),
        *(("versions", value) for value in (None, [], {"torch": 2}, {"torch": "\x1b[31m"})),
        *(("judges", value) for value in ("own.py:f", [None], None)),
        *(("normalise_latent", value) for value in (0, "yes", None)),
        *(("variations", value) for value in ("hands", None, 1)),
        *(("network_sha256", value) for value in ("abc", None, 5, "A" * 64)),
        *(("data_sha256", value) for value in ("", "x" * 64)),
        *(("labelled", value) for value in (5, "", ["a"])),
        *(("layer", value) for value in ("", None, "a\x07")),
        *(("format", value) for value in ("1", 1.0, True, None)),
    ],
)  # fmt: skip
def test_a_field_of_another_kind_is_named_with_what_was_found_and_wanted(name, value, planned):
    edit_plan(planned, **{name: value})
    with pytest.raises(FiberscopeError, match=rf"json is no plan of a survey: .*{name}: found .*, wanted ") as told:
        read_plan(planned)
    assert str(told.value).isprintable()


def test_fields_that_are_none_or_missing_are_named(planned):
    edit_plan(planned, extra=1)
    with pytest.raises(FiberscopeError, match='"extra" is no field of a plan'):
        read_plan(planned)
    (planned / "plan.json").write_text("{}")
    with pytest.raises(FiberscopeError, match=r"model is missing, wanted the name of a network; .* and 16 more"):
        read_plan(planned)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('"seed": 0', '"seed": 0, "seed": 1'), '"seed" is there twice'),
        (lambda text: text.replace('"seed": 0', '"seed": NaN'), "NaN is no number"),
        (lambda text: text.replace('"seed": 0', '"seed": 1e999'), "too large for a number"),
        (lambda text: text.replace('"seed": 0', '"seed": ' + "9" * 5000), "cannot be read"),
        (lambda text: text.replace('"seed": 0', '"seed": ' + "[" * 100_000), "nested too deeply"),
        (lambda text: text + " " * 2_000_000, "bytes, wanted at most"),
        (lambda text: "[" + text + "]", "wanted an object"),
        (lambda text: text[:100], "cannot be read"),
        (lambda text: "", "cannot be read"),
        (lambda text: text.encode("utf-16"), "cannot be read"),
        (lambda text: text.encode() + b"\xff", "cannot be read"),
    ],
)
def test_what_is_no_strict_json_is_told(change, words, planned):
    content = change((planned / "plan.json").read_text())
    (planned / "plan.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FiberscopeError, match=words):
        read_plan(planned)


def test_settings_of_a_measure_may_be_any_json_and_not_too_deep(planned):
    plan = json.loads((planned / "plan.json").read_text())
    settings = {"steps": [1, 2.5, None, {"a": True}], "words": "x"}
    edit_plan(planned, measure_settings={**plan["measure_settings"], "spectrum": settings})
    assert read_plan(planned).measure_settings["spectrum"] == settings
    deep: list[object] = []
    for _ in range(50):
        deep = [deep]
    edit_plan(planned, measure_settings={**plan["measure_settings"], "spectrum": {"a": deep}})
    with pytest.raises(FiberscopeError, match="measure_settings: found"):
        read_plan(planned)


def test_plans_of_earlier_versions_lack_fields_and_open(planned):
    plan = json.loads((planned / "plan.json").read_text())
    for name in ("judges", "preprocessing", "normalise_latent", "variations"):
        del plan[name]
    (planned / "plan.json").write_text(json.dumps(plan))
    assert read_plan(planned).variations == "general"


def test_the_command_says_it_in_a_line(planned):
    edit_plan(planned, images="24", layer="\x1b[2J")
    ended = run_command("survey", "status", "--out", planned)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert 'images: found "24", wanted a whole number' in ended.stderr
    assert "\x1b[2J" not in ended.stderr
