"""A survey's folder from elsewhere: its database and its files may hold anything, and reach nothing."""

import shutil

import duckdb
import pytest

from commands import run_command
from fiberscope.problem import FiberscopeError
from fiberscope.survey import compare_surveys, export, query, resume_survey, status, summary, write_report
from fiberscope.survey.reading import numbers
from surveys import COUNT, edit_plan, forget_plan, records

SECRET = "TOP SECRET 42"


@pytest.fixture
def copied(done, tmp_path):
    """A survey that a test may spoil, and beside it a file that is none of its business."""
    (tmp_path / "secret.txt").write_text(SECRET)
    shutil.copytree(done, tmp_path / "survey")
    return tmp_path / "survey"


def spoil(folder, *statements):
    with duckdb.connect(str(folder / "records.duckdb")) as database:
        for statement in statements:
            database.execute(statement.format(folder=folder.parent))


READERS = {
    "status": status,
    "query": lambda out: query(out, "SELECT 1"),
    "export": lambda out: export(out, out.parent / "all.csv", format="csv"),
    "summary": summary,
    "page": lambda out: write_report(out, out.parent / "page.html"),
    "compare": lambda out: compare_surveys(out, out),
    "numbers": numbers,
    "resume": resume_survey,
}


@pytest.mark.parametrize("reader", READERS)
def test_whoever_reads_it_takes_tables_and_no_view_that_would_read_other_files(reader, copied):
    leak = "CREATE VIEW records AS SELECT r.*, (SELECT content FROM read_text('{folder}/secret.txt')) AS leak "
    spoil(copied, "ALTER TABLE records RENAME TO real", f"{leak} FROM real r")
    with pytest.raises(FiberscopeError, match=r"records\.duckdb is no database of a survey: found a view .records"):
        READERS[reader](copied)
    assert not (copied.parent / "all.csv").exists()


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["CREATE MACRO sum(a) AS 42"], 'a macro "sum"'),
        (["CREATE MACRO duckdb_views() AS TABLE SELECT 1 AS view_name LIMIT 0", "CREATE VIEW v AS SELECT 1"], "a view"),
        (['CREATE MACRO "+"(a, b) AS 7'], "a macro"),
        (["CREATE SCHEMA other"], "a schema"),
        (["CREATE SEQUENCE one"], "a sequence"),
        (["CREATE TYPE odd AS ENUM ('a')"], "a type"),
        (["CREATE INDEX fast ON records (image)"], "an index"),
        (["CREATE TABLE more (a BIGINT CHECK (a > 1))"], "a constraint of"),
        (["CREATE TABLE more (a BIGINT, b BIGINT GENERATED ALWAYS AS (a + 1))"], "that is computed"),
        (["ALTER TABLE tasks ADD COLUMN more VARCHAR DEFAULT 'x'"], "that is computed"),
        (["ALTER TABLE records ADD COLUMN more BIGINT[]"], "wanted plain numbers or text"),
        (['ALTER TABLE records ADD COLUMN "x"" FROM records; --" FLOAT'], "wanted small letters"),
        (["ALTER TABLE records ADD COLUMN more FLOAT"], "no row more in the table columns"),
        (["UPDATE columns SET name = 'x\" FROM records --' WHERE name = 'luck'"], "wanted each column's name once"),
        (["UPDATE columns SET meaning = NULL"], "lacks a word"),
        (["UPDATE columns SET type = 'VARCHAR' WHERE name = 'luck'"], "wanted FLOAT"),
        (["ALTER TABLE records ALTER partner TYPE VARCHAR", "UPDATE columns SET type = 'VARCHAR' "
          "WHERE name = 'partner'"], "wanted BIGINT"),
        (["ALTER TABLE records DROP error"], "a column error of type none"),
        (["DROP TABLE tasks"], "in the table tasks"),
        (["UPDATE records SET image = 1000000000000 WHERE image = 3"], "a place beyond the plan"),
        (["UPDATE records SET image = -1 WHERE image = 3"], "a place beyond the plan"),
        (["UPDATE records SET image = NULL WHERE image = 3"], "a place beyond the plan"),
        (["UPDATE tasks SET stop = 1000000 WHERE task = 4"], "tasks of images 0 to 1000000, a place beyond the plan"),
        (["UPDATE tasks SET start = NULL WHERE task = 4"], "a place beyond the plan"),
        (["UPDATE plan SET content = '{{}}'"], "the plan that it keeps is damaged"),
    ],
)  # fmt: skip
def test_a_database_that_holds_what_no_survey_makes_is_refused_before_it_is_asked(statements, words, copied):
    spoil(copied, *statements)
    for ask in (status, summary, numbers):
        with pytest.raises(FiberscopeError, match=words):
            ask(copied)


def test_two_records_of_one_image_are_refused_where_each_needs_its_place(copied):
    spoil(copied, "UPDATE records SET image = 2 WHERE image = 3")
    for ask in (numbers, lambda out: compare_surveys(out, out)):
        with pytest.raises(FiberscopeError, match="two records are of one image"):
            ask(copied)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{folder}/secret.txt')",
        "FROM '{folder}/secret.txt'",
        "FROM '{folder}/secret.csv'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT getenv('HOME')",
        "SELECT * FROM mine",
        "COPY records TO '{folder}/stolen.csv'",
        "COPY (SELECT 1) TO '{folder}/survey/records.parquet'",
        "EXPLAIN ANALYZE COPY records TO '{folder}/stolen.csv'",
        "ATTACH '{folder}/other.duckdb'",
        "EXPORT DATABASE '{folder}/stolen'",
        "INSTALL httpfs",
        "LOAD json",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SET threads = 1",
        "CREATE TEMP TABLE mine AS SELECT 1",
        "SELECT 1; DROP TABLE records",
        "",
    ],
)
def test_a_query_asks_the_tables_and_nothing_else(sql, copied):
    mine = {"a": [1]}  # noqa: F841  (a variable that the database must not find)
    (copied.parent / "secret.csv").write_text("a\n1\n")
    before = sorted(path.name for path in copied.parent.rglob("*"))
    with pytest.raises(FiberscopeError):
        query(copied, sql.format(folder=copied.parent))
    assert sorted(path.name for path in copied.parent.rglob("*")) == before


@pytest.mark.parametrize("sql", ["WITH a AS (SELECT 2) FROM a", "DESCRIBE records", "EXPLAIN SELECT 1", "SHOW TABLES"])
def test_a_query_may_be_any_question(sql, copied):
    assert query(copied, sql).rows


@pytest.mark.parametrize("name", ["plan.json", "records.duckdb", "arrays.zarr", ".lock", "records.duckdb.wal"])
def test_a_link_in_place_of_a_file_of_the_survey_is_refused(name, copied):
    if (copied / name).exists():
        (copied / name).rename(copied.parent / "moved")
    (copied / name).symlink_to(copied.parent / "moved")
    for ask in (status, summary, resume_survey):
        with pytest.raises(FiberscopeError, match=f"{name} is a link, wanted a"):
            ask(copied)
    assert not (copied.parent / "moved").exists() or name in ("plan.json", "records.duckdb", "arrays.zarr", ".lock")


def test_an_export_follows_no_link_that_waits_for_it(copied):
    mine = copied.parent / "mine.txt"
    mine.write_text("mine")
    for name in (".records.csv.partial", "records.csv", "records.columns.csv"):
        (copied / name).symlink_to(mine)
    export(copied, copied / "records.csv", format="csv")
    assert mine.read_text() == "mine"
    assert (copied / "records.csv").read_text().count("\n") == COUNT + 1
    assert not list(copied.glob(".fiberscope-*"))


def test_a_log_beside_the_database_is_read_with_it_and_held_to_the_same(copied):
    log = copied / "records.duckdb.wal"
    with duckdb.connect(str(copied / "records.duckdb"), config={"checkpoint_threshold": "1GB"}) as database:
        database.execute("PRAGMA disable_checkpoint_on_shutdown")
        database.execute("CREATE VIEW leak AS SELECT 1")
    assert log.exists()
    with pytest.raises(FiberscopeError, match='found a view "leak"'):
        status(copied)
    log.write_bytes(log.read_bytes()[:20] + b"\xff" * 300)
    with pytest.raises(FiberscopeError, match="cannot be read or written"):
        status(copied)


def test_a_plan_that_says_there_are_any_number_of_images_costs_no_memory(copied):
    before = status(copied)
    forget_plan(copied)
    edit_plan(copied, images=10**12)
    found = status(copied)
    # the task that was the last of all is none of the plan's now
    assert before.done - found.done == COUNT % found.plan.batch_size
    assert not found.failed


def test_a_damaged_block_is_told_of_the_file_and_not_of_a_question(copied):
    path = copied / "records.duckdb"
    content = bytearray(path.read_bytes())
    content[20_000:20_032] = b"\xff" * 32  # of the first block behind the headers
    path.write_bytes(content)
    with pytest.raises(FiberscopeError, match=r"^\S*records\.duckdb cannot be read or written .*restore it"):
        status(copied)


@pytest.mark.parametrize("damage", ["nothing", "text", "cut", "middle", "sqlite"])
def test_a_damaged_database_is_told_in_a_sentence(damage, copied):
    path = copied / "records.duckdb"
    content = path.read_bytes()
    spoilt = {
        "nothing": b"",
        "text": b"no database at all" * 1000,
        "cut": content[: len(content) // 2],
        "middle": content[:20000] + bytes(byte ^ 0xFF for byte in content[20000:200000]) + content[200000:],
        "sqlite": b"SQLite format 3\0" + bytes(4096),
    }[damage]
    path.write_bytes(spoilt)
    for ask in (status, summary, lambda out: export(out, out.parent / "all.parquet")):
        with pytest.raises(FiberscopeError):
            ask(copied)
    assert not (copied.parent / "all.parquet").exists()


def test_an_edited_plan_is_refused_with_what_differs_and_a_copy_that_is_only_written_otherwise_is_not(copied):
    import json

    plan = json.loads((copied / "plan.json").read_text())
    (copied / "plan.json").write_text(json.dumps(dict(sorted(plan.items())), indent=None))
    assert status(copied).done == COUNT
    edit_plan(copied, seed=5, batch_size=3, versions={**plan["versions"], "torch": "1.0"})
    for ask in READERS.values():
        with pytest.raises(FiberscopeError, match="batch_size was 5 and is 3; seed was 0 and is 5; versions, torch"):
            ask(copied)


def test_a_survey_of_an_earlier_version_keeps_its_plan_from_its_first_resume_on(copied):
    before = records(copied)
    forget_plan(copied)
    assert status(copied).done == COUNT
    assert resume_survey(copied).done == COUNT
    assert records(copied) == before
    edit_plan(copied, seed=5)
    with pytest.raises(FiberscopeError, match="seed was 0 and is 5"):
        status(copied)


def test_the_commands_refuse_it_with_a_sentence_and_no_letter_of_a_terminal(copied):
    spoil(copied, 'CREATE VIEW "\x1b[31mred" AS SELECT 1')
    for arguments in (["status"], ["export"], ["summary"], ["query", "SELECT 1"], ["resume"]):
        ended = run_command("survey", *arguments, "--out", copied)
        assert ended.returncode == 2, ended
        assert ended.stderr.startswith("error: ")
        assert "Traceback" not in ended.stderr
        assert "\x1b[31mred" not in ended.stdout + ended.stderr
