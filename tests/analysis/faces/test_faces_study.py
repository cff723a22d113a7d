"""The whole study on made-up faces, whose answers a few lines can check; no file is needed but these."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

import fiberscope as fs
from fiberscope.analysis.faces import FacesChoice, searches, threads
from fiberscope.analysis.faces.ask_pairs import ask_pairs
from fiberscope.analysis.faces.meetings import draw_pairs
from fiberscope.analysis.faces.priors import face_prior, smooth_prior
from fiberscope.analysis.faces.rows import WAYS, draw_changed
from fiberscope.analysis.faces.run import ask, study_of
from fiberscope.analysis.faces.verification import verify
from fiberscope.analysis.study.workbench import Workbench
from small_faces import small_faces, small_latent_map

PEOPLE, PICTURES, MEMBERS = 5, 4, 3


def choice_of(out, **more):
    usual = {"people": 4, "pairs": 3, "rows": 2, "members": MEMBERS, "steps": 2, "components": True, "seed": 0}
    return FacesChoice(out=out, cosine=False, force=False, **{**usual, **more})


def study(out, **more):
    return study_of(small_latent_map(), small_faces(PEOPLE, PICTURES), choice_of(out, **more))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("faces") / "run"
    made = study(out)
    done = ask(made, choice_of(out), credit="made up", command="fiberscope faces", step=lambda words: nullcontext())
    return made, done, out


def test_every_question_is_answered_on_one_page_with_credit_and_responsible_use(finished):
    _, done, out = finished
    page = (out / "report.html").read_text()
    assert done.failed == ()
    for words in (
        "Does the network know people again?",
        "What does one embedding look like under changing light and pose?",
        "Is it as blind to light and pose as it should be?",
        "How far does each change go before people are not known again?",
        "What else is it blind to?",
        "Which different people can be brought to the same embedding?",
        "made up",
        "no recipe for deceiving a camera",
    ):
        assert words in page


@pytest.mark.parametrize("prior", ["smooth", "faces"])
def test_every_face_of_a_row_has_the_embedding_of_its_picture_by_a_fresh_pass(finished, prior):
    made, _, out = finished
    with np.load(out / "rows.npz") as archive:
        targets, images = (torch.from_numpy(archive[f"rows_{name}"]) for name in ("targets", f"{prior}_images"))
    assert images.shape == (2, MEMBERS, 1, 32, 32)
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1
    goals = made.latent_map(targets)[:, None]
    found = made.latent_map(images.flatten(0, 1)).view(2, MEMBERS, -1)
    assert float(((found - goals).norm(dim=2) / goals.norm(dim=2)).max()) < 2e-5
    assert float((images - targets[:, None]).flatten(2).norm(dim=2).min()) > 0.2


def test_a_row_says_how_much_of_each_change_is_kept_and_what_else_there_is(finished):
    made, _, out = finished
    (light,) = (variation for variation in made.variations if variation.name == WAYS[0][0])
    rows = [row for row in json.loads((out / "rows.json").read_text())["rows"] if row["change"] == WAYS[0][2]]
    with np.load(out / "rows.npz") as archive:
        targets = torch.from_numpy(archive["rows_targets"])
        images = {prior: torch.from_numpy(archive[f"rows_{prior}_images"])[:, 0] for prior in ("smooth", "faces")}
    changes = (light.orbit(targets, torch.tensor([WAYS[0][1]])).images[0] - targets).flatten(1)
    for prior, brought in images.items():
        found = [row for row in rows if row["prior"] == prior]
        for row, gone, change in zip(found, (brought - targets).flatten(1), changes, strict=True):
            share = float(torch.linalg.lstsq(change[:, None], gone[:, None]).solution)
            assert row["kept"] == pytest.approx(share, rel=1e-3)
            assert row["beside"] == pytest.approx(float((gone - share * change).norm() / change.norm()), rel=1e-3)
            assert row["kept"] > 0.1


def test_rows_are_found_by_smooth_changes_and_along_the_fiber_in_components_of_faces(finished):
    made, _, out = finished
    changed = draw_changed(made)
    name, amount, _ = WAYS[0]
    (light,) = (variation for variation in made.variations if variation.name == name)
    picture, varied = changed.targets[0], changed.images[0, 0]
    goal = made.latent_map(picture[None])[0]
    assert torch.equal(varied, light.orbit(picture[None], torch.tensor([amount])).images[0, 0])
    moved = (made.latent_map(varied[None])[0] - goal).norm() / goal.norm()
    assert float(changed.moved[0, 0]) == pytest.approx(float(moved), rel=1e-4)
    with np.load(out / "rows.npz") as archive:
        smooth, along = (torch.from_numpy(archive[f"rows_{prior}_images"])[0, 0] for prior in ("smooth", "faces"))
    again = searches.bring(smooth_prior(made.latent_map), varied, picture, goal, made.latent_map, num_steps=0)
    torch.testing.assert_close(again.image, smooth, atol=1e-4, rtol=0)
    faces = face_prior(made.latent_map, made.faces, made.variations)
    began, wish, ended = (faces.encode(image[None]) for image in (picture, varied, along))
    assert float((ended - wish).norm() / (began - wish).norm()) < 0.8


def test_steps_along_unseen_directions_end_at_the_embedding_that_they_began_with(finished):
    made, _, out = finished
    with np.load(out / "unseen.npz") as archive:
        targets, images = (torch.from_numpy(archive[f"unseen_{name}"]) for name in ("targets", "images"))
    goals = made.latent_map(targets)[:, None]
    found = made.latent_map(images.flatten(0, 1)).view(*images.shape[:2], -1)
    assert float(((found - goals).norm(dim=2) / goals.norm(dim=2)).max()) < 2e-5
    assert float((images - targets[:, None]).flatten(2).norm(dim=2).min()) > 0.3


def test_pictures_of_one_person_get_the_embedding_of_another_under_every_prior(finished):
    made, _, out = finished
    sources, targets = draw_pairs(made)
    assert not bool((sources == targets).any())
    goals = made.latent_map(made.probes[targets])
    with np.load(out / "pairs.npz") as archive:
        for prior in ("none", "smooth", "faces"):
            found = made.latent_map(torch.from_numpy(archive[f"pairs_{prior}"]))
            assert float(((found - goals).norm(dim=1) / goals.norm(dim=1)).max()) < 2e-5, prior
    rows = json.loads((out / "pairs.json").read_text())["rows"]
    assert min(row["cosine"] for row in rows) > 0.99999
    assert max(row["blindness"] for row in rows if row["prior"] == "faces") < 0.95  # it began at 1, on the fiber


def test_components_are_asked_only_where_they_are_wanted_and_the_page_says_so(finished, tmp_path):
    made, _, out = finished
    assert [prior.name for prior in made.priors] == ["none", "smooth", "faces", "flat"]
    assert [prior.name for prior in study(tmp_path, steps=0, components=False).priors] == ["none", "smooth"]
    assert "In components of faces (of all pictures" in (out / "report.html").read_text()


def test_the_threshold_lets_one_in_a_hundred_pairs_of_two_people_pass(tmp_path):
    made = study(tmp_path)
    labels, cosines = made.faces.labels, made.cosines
    other = cosines[labels[:, None] != labels[None]]
    assert float((other > made.threshold).double().mean()) == pytest.approx(0.01, abs=0.005)
    found = verify(made, made.probes)
    for row, (person, place) in enumerate(zip(made.people, made.places.tolist(), strict=True)):
        alike = [float(cosines[place, i]) for i in range(len(labels)) if int(labels[i]) == person and i != place]
        share = sum(each > made.threshold for each in alike) / len(alike)
        assert float(found.accepted[row]) == pytest.approx(share)


def test_of_the_two_ends_of_a_range_the_worse_one_is_told_and_half_way_lies_before_it(finished):
    _, _, out = finished
    measured = json.loads((out / "ranges.json").read_text())["rows"]
    sections = json.loads((out / "ranges.answer.json").read_text())["sections"]
    (table,) = (element for element in sections[0]["body"] if "columns" in element)
    two_sided = 0
    for name, _, _, at_end, half_way, area in table["rows"]:
        rows = sorted((row for row in measured if row["variation"] == name), key=lambda row: row["amount"])
        ends = [(rows[i], rows[j]) for i, j in ((0, 1), (-1, -2)) if rows[i]["amount"] != 0]
        end, half = min(ends, key=lambda pair: pair[0]["accepted"])
        assert at_end.split(" ")[0] == f"{100 * end['accepted']:.0f}", name
        assert half_way.split(" ")[0] == f"{100 * half['accepted']:.0f}", name
        assert area.split(" ")[0] == f"{end['auc']:.3f}", name
        two_sided += len({pair[0]["accepted"] for pair in ends}) == 2
    assert two_sided >= 3  # or the worse end could not be told from the better one


def test_without_a_prior_the_way_in_pixels_is_shortest(finished):
    _, _, out = finished
    rows = json.loads((out / "pairs.json").read_text())["rows"]
    blindness = {name: [row["blindness"] for row in rows if row["prior"] == name] for name in ("none", "smooth")}
    assert all(free <= smooth * 1.02 for free, smooth in zip(blindness["none"], blindness["smooth"], strict=True))


def test_the_same_command_goes_on_where_it_stopped(tmp_path):
    out = tmp_path / "run"

    def stop(words):
        if words.startswith("differentiate"):
            raise KeyboardInterrupt
        return nullcontext()

    with pytest.raises(KeyboardInterrupt, match="2 of 6 questions"):
        ask(study(out), choice_of(out), credit="made up", command="c", step=stop)
    done = ask(study(out), choice_of(out), credit="made up", command="c", step=lambda words: nullcontext())
    assert done.resumed == 2


def test_a_study_stopped_in_mid_question_searches_only_for_what_it_had_not_found(finished, tmp_path, monkeypatch):
    _, _, whole = finished
    out, bring, asked = tmp_path / "run", searches.bring, []
    stop_at = [14]  # rows ask for six under each of two priors, then pairs for three under each of four

    def counted(*given, **more):
        asked.append(given[0].name)
        if len(asked) > stop_at[0]:
            raise KeyboardInterrupt
        return bring(*given, **more)

    monkeypatch.setattr(searches, "bring", counted)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 1)
    with pytest.raises(KeyboardInterrupt, match="5 of 6 questions"):
        ask(study(out), choice_of(out), credit="made up", command="c", step=lambda words: nullcontext())
    assert sorted(path.stem for path in out.glob(".workbench/*")) == ["pairs-none-0", "pairs-none-1"]
    asked.clear()
    stop_at[0] = 1000
    again = ask(study(out), choice_of(out), credit="made up", command="c", step=lambda words: nullcontext())
    assert again.resumed == 5
    assert asked == ["none"] + 3 * ["smooth"] + 3 * ["faces"] + 3 * ["flat"]
    assert not (out / ".workbench").exists()
    with np.load(whole / "pairs.npz") as one, np.load(out / "pairs.npz") as other:
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_pieces_of_another_study_are_not_taken(tmp_path):
    out = tmp_path / "run"

    def stop(words):
        if words.startswith("vary light"):
            raise KeyboardInterrupt
        return nullcontext()

    with pytest.raises(KeyboardInterrupt):
        ask(study(out, seed=1), choice_of(out, seed=1), credit="made up", command="c", step=stop)
    piece = {name: torch.tensor(7.0) for name in searches.Brought._fields}
    Workbench(out).once("rows-smooth-0", lambda: piece)
    choice = replace(choice_of(out), force=True)
    done = ask(study(out), choice, credit="made up", command="c", step=lambda words: nullcontext())
    assert (done.resumed, done.failed) == (0, ())


def test_a_long_question_says_how_far_it_is(tmp_path):
    told = []
    made = replace(study(tmp_path / "run", components=False, steps=0), tell=told.append)
    ask_pairs(made)
    assert told == [f"{words}, {k} of 3" for words in ("any pixels", "smooth changes") for k in (1, 2, 3)]


def test_a_picture_is_not_compared_with_itself(tmp_path):
    made = study(tmp_path)
    found = verify(made, made.probes)
    labels, cosines = made.faces.labels, made.cosines.clone()
    cosines.fill_diagonal_(-2)
    for row, (person, place) in enumerate(zip(made.people, made.places.tolist(), strict=True)):
        same = labels == person
        same[place] = False
        wins = (cosines[place][same][:, None] > cosines[place][labels != person]).double().mean()
        assert float(found.area[row]) == pytest.approx(float(wins))
        assert float(found.first[row]) == float(labels[cosines[place].argmax()] == person)


def test_judges_have_not_seen_the_pictures_under_study(tmp_path):
    made = study(tmp_path)
    shifted = made.faces.images.clone()
    shifted[made.places] = 1 - shifted[made.places]  # what stands under study must not matter
    other = study_of(made.latent_map, made.faces.__class__(shifted, made.faces.labels, "x"), choice_of(tmp_path))
    asked = small_faces(PEOPLE, 2, seed=0).images
    for one, two in zip(made.judges, other.judges, strict=True):
        assert torch.equal(one.read(asked), two.read(asked))


@pytest.mark.parametrize(
    ("more", "words"),
    [({"people": 2}, "people: expected at least 3"), ({"members": 1}, "members"), ({"people": 9}, "at most 5")],
)
def test_choices_that_cannot_be_met_are_refused_by_name(tmp_path, more, words):
    with pytest.raises(fs.FiberscopeError, match=words):
        study(tmp_path, **more)
