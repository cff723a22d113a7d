"""The demo, run once as a user runs it: what it leaves behind, and that every number on the page is true."""

import csv
import hashlib
import io
import json
import signal
import time
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from chromium import needs_chromium
from commands import Command, run_command
from fiberscope import models
from fiberscope.cli.app import run
from fiberscope.data import mnist
from fiberscope.gallery import percent

pytestmark = pytest.mark.slow

RTOL = 1e-5
PICTURES = [
    "collisions-by-distance.png",
    "drift.png",
    "images.png",
    "invisible-share.png",
    "pairs.png",
    "rows-farthest.png",
    "rows-walks.png",
    "rows-without-prior.png",
    "rows.png",
    "seen-unseen.png",
    "singular-values.png",
    "variations-curves.png",
    "variations-free.png",
    "variations-sensitivity.png",
    "variations-sheet.png",
    "walks-data.png",
    "walks.png",
    "worst-collisions.png",
]
QUESTIONS = ["recognition", "sight", "variations", "walks", "pairs", "wanted", "natural", "match"]


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def files_of(folder):
    provenance = folder / "provenance.json"
    return json.loads(provenance.read_bytes())["files"] if provenance.exists() else []


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("runs") / "demo"


@pytest.fixture(scope="module")
def process(out):
    return run_command("demo", "--out", out)


@pytest.fixture(scope="module")
def arrays(process, out):
    assert process.returncode == 0, process.stderr
    found = {}
    for question in QUESTIONS:
        with np.load(out / f"{question}.npz", allow_pickle=False) as archive:
            found |= {name: torch.from_numpy(archive[name]) for name in archive.files}
    return found


@pytest.fixture(scope="module")
def network():
    return models.load("mnist-classifier")


class Tables(HTMLParser):
    """The words in the cells of every table, row by row."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.inside = [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        self.inside = tag in ("td", "th")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.tables[-1][-1].append(data)


def residuals(network, points, of):
    with torch.no_grad():
        latents, targets = network.encoder(points), network.encoder(of)
    return ((latents - targets).norm(dim=1) / targets.norm(dim=1)).tolist()


# what a user sees


def test_it_prints_where_the_page_is_and_what_to_type_next(process, out):
    assert process.returncode == 0
    assert f"Report: {out / 'report.html'}" in process.stdout.splitlines()
    (following,) = [line for line in process.stdout.splitlines() if line.startswith("Next:   ")]
    assert following.endswith("fiberscope nearest --images 0:8 --out runs/mine")
    assert "reads 99.4\N{NO-BREAK SPACE}%" in process.stdout


def test_every_step_leaves_a_line_with_its_seconds(process):
    seconds = [line.split(maxsplit=2)[:2] for line in process.stderr.splitlines()]
    assert len(seconds) == 1 + len(QUESTIONS)
    assert all(float(number) >= 0 and unit == "s" for number, unit in seconds)


def test_the_folder_holds_the_page_its_pictures_arrays_and_tables_and_where_they_come_from(process, out):
    files = sorted(path.name for path in out.iterdir())
    assert [name for name in files if name.endswith(".png")] == PICTURES
    assert {f"{question}.{kind}" for question in QUESTIONS for kind in ("answer.json", "npz")} <= set(files)
    tables = {name.removesuffix(".csv") for name in files if name.endswith(".csv")}
    assert {"recognition", "sight", "variations", "walks", "pairs", "wanted", "rows", "match"} <= tables
    assert {f"{name}.json" for name in tables} <= set(files)
    provenance = json.loads((out / "provenance.json").read_bytes())
    assert provenance["finished"]
    assert sorted([*provenance["files"], "provenance.json"]) == files
    assert provenance["seed"] == 0
    assert list(provenance["seconds"]) == QUESTIONS


def test_a_second_run_is_refused_and_changes_nothing(process, out, capsys):
    before = contents(out)
    assert run(["demo", "--out", str(out)]) == 2
    assert "--force" in capsys.readouterr().err
    assert contents(out) == before


def test_a_seed_that_is_none_is_refused_before_anything_is_removed(process, out):
    before = contents(out)
    assert run(["demo", "--out", str(out), "--force", "--seed", "-1"]) == 2
    assert contents(out) == before


def test_an_interruption_keeps_what_was_done_and_says_so(tmp_path):
    out = tmp_path / "demo"
    process = Command("demo", "--out", out)
    # The provenance is the last file of a step; walks, the next step, take seconds.
    while "seen-unseen.png" not in files_of(out) and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    words = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert f"2 of 8 questions are answered and kept in {out / 'report.html'}" in words
    assert not json.loads((out / "provenance.json").read_bytes())["finished"]
    assert (out / "report.html").read_text(encoding="utf-8").count("<img") == 4
    with np.load(out / "sight.npz") as archive:
        assert "sight_row_basis" in archive.files


# the numbers are true


def test_the_ten_digits_are_one_of_each_class_and_read_right(arrays, network, out):
    digits, test = arrays["images"], mnist("test")
    rows = csv.DictReader(io.StringIO((out / "recognition.csv").read_text()))
    names, labels, read = zip(*((row["image"], row["label"], row["read_as"]) for row in rows), strict=True)
    assert list(labels) == list(read) == [str(label) for label in range(10)]
    assert torch.equal(test.images[[int(name.removeprefix("test ")) for name in names]], digits)
    assert network(digits).argmax(dim=1).tolist() == list(range(10))


def test_every_metamer_has_the_latent_of_its_target(arrays, network):
    assert max(residuals(network, arrays["pairs_points"], arrays["pairs_targets"])) <= RTOL


def test_every_metamer_is_read_as_its_target(arrays, network):
    seen, wanted = (network(arrays[name]).argmax(dim=1) for name in ("pairs_points", "pairs_targets"))
    assert torch.equal(seen, wanted)
    assert not (seen == torch.arange(10)).any()


def test_every_metamer_is_nearer_to_its_source_than_the_target_is(arrays):
    source, target, point = (arrays[f"pairs_{name}"].flatten(1) for name in ("sources", "targets", "points"))
    blindness = (point - source).norm(dim=1) / (target - source).norm(dim=1)
    assert blindness.max() < 0.9
    assert blindness.median() < 0.5
    torch.testing.assert_close(blindness, arrays["pairs_blindness"])


@pytest.mark.parametrize("name", ["toward", "corrected"])
def test_every_point_of_every_walk_is_on_the_fiber_of_its_start(arrays, network, name):
    points = arrays[f"walks_{name}_points"]
    starts = points[:1].expand_as(points)
    assert max(residuals(network, points.flatten(0, 1), starts.flatten(0, 1))) <= RTOL


def test_straight_lines_leave_the_fiber_by_a_good_part_of_the_latent(arrays):
    assert arrays["walks_straight_residual"][-1].median() > 0.1


def test_walks_go_as_far_as_they_say(arrays):
    points, gone = arrays["walks_corrected_points"].flatten(2), arrays["walks_corrected_arc_length"]
    chords = (points[1:] - points[:-1]).norm(dim=2).cumsum(dim=0)
    assert (chords <= gone[1:] + 1e-3).all()
    assert gone[-1].median() == pytest.approx(5.0, rel=0.01)


def test_every_digit_of_a_row_has_the_latent_of_its_target(arrays, network):
    made, targets = arrays["natural_images"], arrays["natural_targets"]
    assert made.shape[:2] == (4, 6)
    assert max(residuals(network, made.flatten(0, 1), targets.repeat_interleave(6, dim=0))) <= RTOL
    apart = torch.cdist(made.flatten(2), made.flatten(2)) + 100 * torch.eye(6)
    assert apart.amin() > 1  # two digits of a class are some 8 apart, and the same one twice 0


def test_every_image_that_was_judged_has_the_latent_of_the_digit_it_is_compared_with(arrays, network):
    assert max(residuals(network, arrays["wanted_images"], arrays["images"][arrays["wanted_of"]])) <= 1.1 * RTOL


def test_noise_is_minded_less_than_a_change_of_class(out):
    rows = list(csv.DictReader(io.StringIO((out / "variations.csv").read_text())))
    noise = [float(row["sensitivity"]) for row in rows if row["variation"] == "noise"]
    assert len(noise) == 10
    assert max(noise) < 1


@pytest.mark.parametrize("name", ["pairs_points", "walks_toward_points", "walks_corrected_points", "wanted_images"])
def test_no_pixel_leaves_the_box(arrays, name):
    assert arrays[name].min() >= 0
    assert arrays[name].max() <= 1


def test_what_it_cannot_see_is_invisible_and_what_it_sees_moves_the_latent_by_the_singular_value(arrays):
    encoder = models.load("mnist-classifier").encoder.double()
    digits, strength = arrays["images"].double(), arrays["sight_singular_values"].double()
    seen, unseen = arrays["sight_row_basis"].transpose(1, 2), arrays["sight_unseen_directions"]
    for directions, wanted in ((seen, strength), (unseen, 0 * strength)):
        for k in range(directions.shape[1]):
            # So small a step crosses no kink: the network is linear between its two ends.
            step = 1e-6 * directions[:, k].double().view(digits.shape)
            moved = (encoder(digits + step) - encoder(digits - step)).norm(dim=1) / 2e-6
            torch.testing.assert_close(moved, wanted[:, k], rtol=1e-4, atol=1e-4)


def test_most_of_what_varies_between_digits_is_invisible_but_less_than_to_random_directions(arrays):
    shares = arrays["sight_invisible_share"]
    assert shares.min() > 0.5
    assert shares.max() < 1 - 8 / 784


def test_a_metamer_misses_its_latent_by_far_less_than_one_grey_level_of_noise_does(arrays):
    middle = {name: arrays[f"scale_{name}"].median() for name in ("grey_level", "same_class", "other_class")}
    assert 100 * arrays["pairs_relative_residual"].max() < middle["grey_level"]
    assert middle["grey_level"] < middle["same_class"] < middle["other_class"]
    assert arrays["scale_rounding"].max() < RTOL / 2


# the page


def number(words):
    return float(words.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")).replace("×10", "e"))


def test_the_table_says_what_a_fresh_forward_pass_says(arrays, network, out):
    tables = Tables((out / "report.html").read_text(encoding="utf-8")).tables
    ((heads, *rows),) = [table for table in tables if "blindness" in table[0] and "search" in table[0]]
    column = {head: [row[i] for row in rows] for i, head in enumerate(heads)}
    shown = {head: [number(words) for words in column[head]] for head in ("residual", "distance", "blindness")}
    source, target, points = (arrays[f"pairs_{name}"] for name in ("sources", "targets", "points"))
    best = network(points).softmax(dim=1).max(dim=1)
    gone, apart = ((images - source).flatten(1).norm(dim=1) for images in (points, target))
    assert shown["residual"] == pytest.approx(residuals(network, points, target), abs=3e-6)
    assert max(shown["residual"]) <= RTOL
    assert column["read as"] == [str(label) for label in best.indices.tolist()]
    assert column["probability"] == [percent(probability) for probability in best.values.tolist()]
    assert shown["distance"] == pytest.approx(gone.tolist(), rel=0.01)
    assert shown["blindness"] == pytest.approx((gone / apart).tolist(), rel=0.01)
    assert {float(words) for words in column["darkest"]} == {0.0}
    assert [number(words) for words in column["brightest"]] == pytest.approx(
        points.flatten(1).amax(dim=1).tolist(), rel=0.01
    )
    assert column["search"] == ["converged"] * 10


@needs_chromium
def test_the_page_opens_in_a_browser_shows_every_picture_and_asks_for_nothing(process, out, browser):
    address = (out / "report.html").as_uri()
    asked, troubles = [], []
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.goto(address)
    widths = tab.evaluate("[...document.images].map(image => image.naturalWidth)")
    page_width = tab.evaluate("document.documentElement.scrollWidth")
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert troubles == []
    assert len(widths) == len(PICTURES)
    assert min(widths) > 0
    assert page_width == 390


def test_the_page_stays_below_four_megabytes(process, out):
    assert (out / "report.html").stat().st_size < 4e6
