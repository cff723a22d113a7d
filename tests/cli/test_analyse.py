"""`fiberscope analyse` as a process: a user's own network of small images, killed and gone on with."""

import csv
import json
import re
import signal
import time
from pathlib import Path

import pytest

from commands import Command
from fiberscope.analysis.study.questions import QUESTIONS
from fiberscope.cli.app import run
from studies import write_study

pytestmark = pytest.mark.slow

DEAD = """

def dead():
    network = linear()
    network[1].weight.data.zero_()
    return network
"""
ASKED = "recognition,sight,walks,pairs,match"


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("brought"))


@pytest.fixture(scope="module")
def ended(fiberscope, brought, tmp_path_factory):
    """A study that was not disturbed: its process and its folder."""
    folder = tmp_path_factory.mktemp("ended") / "run"
    return fiberscope("analyse", *brought, "--only", ASKED, "--out", folder), folder


@pytest.fixture(scope="module")
def whole(fiberscope, brought, tmp_path_factory):
    """A study of all questions, for a network of which neither judges nor a generator nor another network are there."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return fiberscope("analyse", *brought, "--out", folder), folder


def contents(folder):
    """What is in the folder, without where and when it was made."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    del files["provenance.json"]
    page = files["report.html"].decode().replace(str(folder), "")
    files["report.html"] = re.sub(r"started at</dt><dd>[^<]*", "", page)
    return files


def test_it_ends_well_with_a_line_for_each_question_the_numbers_and_the_page(ended):
    process, folder = ended
    assert process.returncode == 0, process.stderr
    lines = process.stderr.splitlines()
    assert len(lines) == 1 + len(ASKED.split(","))
    assert all(re.fullmatch(r" *\d+\.\d s  \w.*", line) for line in lines)
    assert process.stdout.splitlines()[-1] == f"Report: {folder / 'report.html'}"
    assert "pixels become one latent" in process.stdout


def test_the_page_lists_its_questions_and_each_has_a_finding(ended):
    page = (ended[1] / "report.html").read_text(encoding="utf-8")
    contents_list = re.search(r"<nav.*?</nav>", page, re.DOTALL)[0]
    anchors = re.findall(r'href="#([^"]+)"', contents_list)
    assert "what-does-this-network-not-see" in anchors
    assert "how-far-can-one-go-without-the-network-noticing" in anchors
    assert anchors[-2:] == ["methods", "provenance"]
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    findings = re.findall(r'<p class="finding">(.*?)</p>', page)
    assert len(findings) == len(anchors) - 2
    assert all(re.search(r"\d", finding) for finding in findings)


def test_of_a_network_of_the_users_own_every_question_is_asked_or_says_what_it_lacks(whole):
    process, folder = whole
    assert process.returncode == 0, process.stderr
    assert len(process.stderr.splitlines()) == 1 + len(QUESTIONS)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "could not be answered" not in page
    for lacking, bring in (
        ("Is that wanted?", "judge"),
        ("Which natural images", "generator"),
        ("compare", "--beside"),
    ):
        (section,) = re.findall(rf"<h2[^>]*>[^<]*{re.escape(lacking)}.*?</section>", page, re.DOTALL)
        assert bring in section
        assert "<img" not in section


def test_a_network_that_maps_everything_to_one_latent_is_told_so_question_by_question(brought, tmp_path, capsys):
    source = Path(brought[brought.index("--model") + 1].rpartition(":")[0])
    (tmp_path / "dead.py").write_text(source.read_text() + DEAD)
    options = [*brought, "--only", "recognition,neighbourhood", "--out", str(tmp_path / "run")]
    options[options.index("--model") + 1] = f"{tmp_path / 'dead.py'}:dead"
    assert run(["analyse", *options]) == 1
    assert "not answered: neighbourhood: latents: the median distance within a class is 0" in capsys.readouterr().err
    assert "This could not be answered." in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_every_table_is_there_as_csv_and_json_with_the_meaning_of_its_columns(ended):
    for name in ASKED.split(","):
        with (ended[1] / f"{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        table = json.loads((ended[1] / f"{name}.json").read_bytes())
        assert len(rows) == len(table["rows"]) > 0
        assert list(rows[0]) == list(table["columns"])
        assert all(meaning for meaning in table["columns"].values())


def test_the_provenance_names_every_file_and_what_decides_the_answers(ended):
    record = json.loads((ended[1] / "provenance.json").read_bytes())
    assert record["finished"] is True
    assert sorted([*record["files"], "provenance.json"]) == sorted(path.name for path in ended[1].iterdir())
    identity = record["settings"]["identity"]
    assert identity["questions"] == ASKED.split(",")
    assert len(identity["weights"]) == len(identity["images"]) == 64


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_interrupted_the_same_command_goes_on_and_the_page_is_that_of_an_undisturbed_run(
    end, ended, fiberscope, brought, tmp_path
):
    folder = tmp_path / "run"
    command = ["analyse", *brought, "--only", ASKED, "--out", folder]
    process = Command(*command)
    while not (folder / "sight.answer.json").exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(end)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if end is signal.SIGINT else -signal.SIGKILL), error
    assert not (folder / "match.answer.json").exists()
    before = (folder / "sight.answer.json").stat().st_mtime_ns
    again = fiberscope(*command)
    assert again.returncode == 0, again.stderr
    assert "answers were there already" in again.stdout
    assert (folder / "sight.answer.json").stat().st_mtime_ns == before
    assert contents(folder) == contents(ended[1])


def test_a_finished_study_is_refused_before_anything_is_loaded(ended, brought, capsys):
    assert run(["analyse", *brought, "--only", ASKED, "--out", str(ended[1])]) == 2
    error = capsys.readouterr().err
    assert "--force" in error
    assert " s  " not in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "sights"], "only: there is no question 'sights'. Choose among recognition, sight, "),
        (["--seed", "-1"], "seed: expected a number from 0"),
        (["--labelled", "nowhere"], "labelled: nowhere is neither an npz archive nor a folder"),
        (["--images", "nowhere.png"], "images: 'nowhere.png' is neither indices"),
        (["--judge", "nowhere"], "model 'nowhere' is neither a name that ships"),
        (["--beside", "nowhere"], "model 'nowhere' is neither a name that ships"),
        (["--layer", "nowhere"], "no layer 'nowhere'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_with_what_to_do(arguments, sentence, brought, tmp_path, capsys):
    at = brought.index(arguments[0]) if arguments[0] in brought else len(brought)
    options = [*brought[:at], *brought[at + 2 :], *arguments]
    assert run(["analyse", *options, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert not any((tmp_path / "run").glob("*"))


def test_a_list_of_questions_names_them_all(brought, tmp_path, capsys):
    run(["analyse", *brought, "--out", str(tmp_path / "run"), "--only", "nothing"])
    assert ", ".join(question.name for question in QUESTIONS) in capsys.readouterr().err
