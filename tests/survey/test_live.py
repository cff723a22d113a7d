"""While a survey runs it says now and then what has been found so far, on a terminal and nowhere else."""

import pytest

from fiberscope.analysis.survey_choices import EngineChoice
from fiberscope.cli.survey_words import show_so_far, survey_bar
from fiberscope.survey import Progress, query, run_survey, status
from fiberscope.survey import live as live_module
from surveys import COUNT, choose


def test_medians_are_those_of_all_records_stored_by_then(files, tmp_path, monkeypatch):
    folder, network = files
    monkeypatch.setattr(live_module, "_FIRST", 0.0)
    monkeypatch.setattr(live_module, "_EVERY", 0.0)
    told = []
    choice = choose(folder, tmp_path / "survey", "spectrum", "variations", "own:own")
    run_survey(choice, network, EngineChoice(workers=1), on_progress=told.append)
    assert told[0].medians == ()
    for now in told[1:]:
        some = f"SELECT median(rank), median(invisible_share), median(luck) FROM records WHERE image < {now.done}"
        expected = query(choice.out, some).rows[0]
        # Sensitivities are too many for a line.
        assert [name for name, _ in now.medians] == ["rank", "invisible_share", "luck"]
        assert [value for _, value in now.medians] == pytest.approx(expected)


def test_of_many_records_a_sample_is_asked(files, tmp_path, monkeypatch):
    """However many there are: the database refuses to hold ten million values beside what it writes."""
    folder, network = files
    monkeypatch.setattr(live_module, "_FIRST", 0.0)
    monkeypatch.setattr(live_module, "_EVERY", 0.0)
    monkeypatch.setattr(live_module, "_SAMPLE", 1)
    told = []
    choice = choose(folder, tmp_path / "survey", "own:own")
    run_survey(choice, network, on_progress=told.append)
    stored = [pytest.approx(luck) for (luck,) in query(choice.out, "SELECT luck FROM records").rows]
    assert all(dict(now.medians)["luck"] in stored for now in told[1:])


def test_medians_are_asked_for_seldom(files, tmp_path):
    folder, network = files
    told = []
    run_survey(choose(folder, tmp_path / "survey", "own:own"), network, on_progress=told.append)
    assert all(now.medians == () for now in told)


@pytest.mark.parametrize("terminal", [True, False])
def test_medians_are_shown_on_a_terminal_alone(terminal, monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    else:
        monkeypatch.delenv("FORCE_COLOR", raising=False)
    with survey_bar() as tell:
        tell(Progress(5, 10, 0, 2.0, (("rank", 8.0), ("luck", 0.25))))
    assert ("medians so far: rank 8, luck 0.25" in capsys.readouterr().err) == terminal


def test_a_summary_of_a_part_says_so(files, done, tmp_path, capsys):
    folder, network = files
    show_so_far(status(done), done)
    assert capsys.readouterr().out == ""
    choice = choose(folder, tmp_path / "survey", "own:own")

    def stop(now):
        if now.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_survey(choice, network, EngineChoice(workers=1), on_progress=stop)
    show_so_far(status(choice.out), choice.out)
    assert capsys.readouterr().out == f"5 of {COUNT} images so far.\n"
