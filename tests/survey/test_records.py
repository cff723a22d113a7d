"""What a survey writes, and what can be asked of it."""

import csv

import duckdb
import pytest
import torch

import fiberscope as fs
from fiberscope.analysis.choices import NetworkChoice
from fiberscope.analysis.survey_choices import EngineChoice, SurveyChoice
from fiberscope.problem import FiberscopeError
from fiberscope.survey import (
    Column,
    Measure,
    export,
    query,
    read_images,
    register,
    resume_survey,
    run_survey,
    status,
    summary,
)
from studies import labelled
from surveys import COUNT, MEASURES, choose, images, records


def column(out, name):
    return [value for (value,) in query(out, f"SELECT {name} FROM records ORDER BY image").rows]


def test_every_image_has_one_record_in_which_nothing_failed(done):
    assert column(done, "image") == list(range(COUNT))
    assert column(done, "name") == [f"data {place}" for place in range(COUNT)]
    assert column(done, "label") == labelled(COUNT).labels.tolist()
    assert set(column(done, "outcome")) == {"complete"}
    assert status(done).done == COUNT


def test_the_spectrum_is_that_of_the_linear_map(done, files):
    module = fs.models.resolve(files[1].model)
    values = torch.linalg.svdvals(module[1].weight)
    for place, value in enumerate(values.tolist()):
        assert column(done, f"s{place + 1}") == pytest.approx([value] * COUNT, rel=1e-5)
    assert column(done, "rank") == [3] * COUNT


def test_what_nearest_finds_has_the_latent_of_the_image_and_lies_where_it_says(done, files):
    module, data = fs.models.resolve(files[1].model), labelled(COUNT)
    found = torch.from_numpy(read_images(done, "found", range(COUNT)))
    there = torch.tensor([search == "converged" for search in column(done, "search")])
    assert there.all()
    wanted = module(data.images)
    assert bool(((module(found) - wanted).norm(dim=1) <= 2e-5 * wanted.norm(dim=1)).all())
    partners = torch.tensor(column(done, "partner"))
    assert bool((data.labels[partners] == torch.tensor(column(done, "partner_label"))).all())
    distance = (found - data.images[partners]).flatten(1).norm(dim=1)
    assert column(done, "distance") == pytest.approx(distance.tolist(), rel=1e-4)


def test_one_thread_all_threads_and_a_pool_of_processes_agree_bit_for_bit(files, done, tmp_path):
    folder, network = files
    measures = ("recognition", "spectrum", "variations", "ranges", "nearest", "own:own")
    for engine in (EngineChoice("local", 1), EngineChoice("processes", 1)):
        out = tmp_path / f"{engine.engine}1"
        run_survey(choose(folder, out, *measures), network, engine)
        assert records(out) == records(done)
        assert images(out, "found") == images(done, "found")


def test_another_seed_draws_other_partners(files, done, tmp_path):
    folder, network = files
    run_survey(choose(folder, tmp_path / "other", "nearest", seed=1), network)
    assert column(tmp_path / "other", "partner") != column(done, "partner")


def test_a_partner_depends_on_no_batch(files, done, tmp_path):
    folder, network = files
    run_survey(choose(folder, tmp_path / "other", "nearest", batch_size=11), network)
    assert column(tmp_path / "other", "partner") == column(done, "partner")


def test_every_column_and_every_array_has_a_type_and_a_meaning(done):
    rows = query(done, "SELECT name, measure, type, unit, meaning FROM columns ORDER BY place").rows
    in_table = [name for name, _, kind, *_ in rows if not kind.startswith("arrays.zarr")]
    assert tuple(in_table) == records(done).columns
    assert all(measure and kind and meaning and unit is not None for _, measure, kind, unit, meaning in rows)
    assert {kind for _, _, kind, *_ in rows} >= {"arrays.zarr/found", "arrays.zarr/negative"}


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM records",
        "DROP TABLE records",
        "INSERT INTO tasks VALUES (9, 0, 1, 0, 0, '')",
        "COPY records TO '{folder}/stolen.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "ATTACH '{folder}/other.duckdb'",
        "SET enable_external_access = true",
        "SELECT nothing FROM records",
    ],
)
def test_a_query_can_change_nothing_and_reach_no_file(sql, done, tmp_path):
    before = (done / "records.duckdb").read_bytes()
    with pytest.raises(FiberscopeError):
        query(done, sql.format(folder=tmp_path))
    assert (done / "records.duckdb").read_bytes() == before
    assert not list(tmp_path.iterdir())


def test_exports_hold_the_records(done, tmp_path):
    export(done, tmp_path / "all.parquet")
    export(done, tmp_path / "all.csv", format="csv")
    found = duckdb.sql(f"SELECT * FROM '{tmp_path / 'all.parquet'}' ORDER BY image").fetchall()
    assert tuple(found) == records(done).rows
    with (tmp_path / "all.csv").open(newline="") as file:
        table = list(csv.reader(file))
    assert tuple(table[0]) == records(done).columns
    assert len(table) == COUNT + 1
    with (tmp_path / "all.columns.csv").open(newline="") as file:
        assert all(row["meaning"] for row in csv.DictReader(file))


def test_an_export_that_cannot_be_written_names_the_file_that_was_asked_for(done, tmp_path):
    (tmp_path / "file").write_text("mine")
    wanted = tmp_path / "file" / "all.parquet"
    with pytest.raises(
        FiberscopeError, match=rf"to: {wanted} cannot be written.*Name a file in another folder by --to"
    ):
        export(done, wanted)
    with pytest.raises(FiberscopeError, match=f"to: {tmp_path} is a folder. Name a file in it: {tmp_path}/records.csv"):
        export(done, tmp_path, format="csv")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_the_summary_has_the_quartiles_of_all_images(done):
    tables = {table.title: table for table in summary(done)}
    row = next(row for row in tables["Over all images"].rows if row[0] == "blindness")
    middle = torch.tensor(column(done, "blindness"), dtype=torch.float64).quantile(0.5)
    assert row[3] == f"{middle:.3g}"
    assert tables["By class: median (quartiles)"].columns == ("column", "0", "1", "2")
    blind = min(zip(column(done, "blindness"), column(done, "name"), strict=True))
    assert tables["Most blind"].rows[0][0] == blind[1]


def test_a_measure_registered_from_python_is_measured(files, tmp_path):
    folder, network = files

    def columns(scene):
        return (Column("double_label", "whole", "", "twice the label"),)

    register(
        Measure("doubled", "Twice.", columns, lambda scene, batch: {"double_label": [2 * i for i in batch.labels]})
    )
    run_survey(choose(folder, tmp_path / "survey", "doubled"), network)
    assert column(tmp_path / "survey", "double_label") == [2 * label for label in labelled(COUNT).labels.tolist()]
    with pytest.raises(FiberscopeError, match=r"doubled is known to this process alone.*file\.py:factory"):
        run_survey(choose(folder, tmp_path / "pool", "doubled"), network, EngineChoice("processes"))


def test_digits_are_judged(tmp_path):
    choice = SurveyChoice(tmp_path / "survey", measures=("nearest,collisions",), limit=4, batch_size=4)
    run_survey(choice, NetworkChoice())
    assert column(choice.out, "seen_class") == fs.data.mnist("test").labels[:4].tolist()
    assert set(column(choice.out, "verdict")) <= {"wanted", "collision", "unsure"}
    assert "Verdicts" in [table.title for table in summary(choice.out)]


def test_a_survey_that_is_done_does_nothing_when_resumed(done):
    before = (done / "records.duckdb").read_bytes()
    assert resume_survey(done).done == COUNT
    assert (done / "records.duckdb").read_bytes() == before


def test_png_files_are_read_a_few_at_a_time(files, tmp_path):
    from PIL import Image

    folder, network = files
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for place, image in enumerate(labelled(5).images):
        Image.fromarray((image[0] * 255).byte().numpy()).save(pictures / f"{place}.png")
    choice = choose(folder, tmp_path / "survey", *MEASURES, batch_size=2)
    from dataclasses import replace

    choice = replace(choice, data=str(pictures), labelled=folder / "data.npz")
    assert run_survey(choice, network).done == 5
    assert column(choice.out, "name") == [f"{place}.png" for place in range(5)]
    assert column(choice.out, "label") == [None] * 5
