"""Each line of "What a file may do" in docs/models.md has tests, and these are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCS = (HERE.parent / "docs" / "models.md").read_text(encoding="utf-8")
TESTS = {
    "`.pt`, `.pth`, `.ckpt`": (
        "models/test_user_model.py::test_a_pickle_that_could_run_code_is_refused_unrun_and_the_way_out_told",
        "models/test_user_model.py::test_a_whole_pickled_network_is_refused",
        "models/test_weights.py::test_packed_archives_are_refused_before_they_are_unpacked",
        "models/test_weights.py::test_pickles_that_grow_are_refused_before_torch_reads_them",
        "models/test_weights.py::test_an_old_file_is_read_and_its_lengths_are_held_to_its_bytes",
    ),
    "`.safetensors`": ("models/test_weights.py::test_hostile_safetensors_are_refused",),
    "`.pt2`": (
        "models/test_program_archive.py::test_no_string_of_a_graph_reaches_torch_unless_it_is_allowed",
        "models/test_program_archive.py::test_names_of_layers_are_dotted_identifiers_and_none_of_torchs_own",
        "models/test_program_archive.py::test_operators_are_those_that_make_tensors_of_tensors",
        "models/test_program_archive.py::test_sizes_are_arithmetic_that_ends",
        "models/test_program_archive.py::test_containers_are_those_of_python",
        "models/test_program_archive.py::test_tensors_lie_within_what_the_file_holds_of_them",
        "models/test_program_archive.py::test_steps_that_fill_the_memory_are_refused_before_they_run",
    ),
    "`.onnx`": (
        "models/test_onnx_safety.py::test_names_of_a_file_become_plain_identifiers",
        "models/test_onnx_safety.py::test_operators_are_those_that_onnx_defines",
        "models/test_onnx_sizes.py::test_weights_outside_the_folder_or_of_another_size_are_refused",
        "models/test_onnx_sizes.py::test_what_takes_more_memory_than_the_limit_is_refused_before_it_is_computed",
    ),
    "a Hugging Face folder": (
        "models/test_hugging_face.py::test_code_beside_the_weights_never_runs",
        "models/test_hugging_face.py::test_pickled_weights_are_not_read",
        "models/test_hugging_face.py::test_an_index_of_shards_names_files_beside_it_alone",
        "models/test_hugging_face.py::test_a_backbone_is_never_fetched_to_be_overwritten",
        "models/test_hugging_face.py::test_a_configuration_of_no_image_model_is_refused_before_it_is_built",
    ),
    "a picture, an npz archive, an IDX file": (
        "data/test_picture.py::test_formats_that_other_programs_draw_are_not_opened",
        "data/test_picture.py::test_the_limit_of_memory_is_named_and_can_be_raised",
        "data/test_npz.py::test_a_pickle_is_never_run",
        "data/test_npz.py::test_a_header_that_numpy_did_not_write_is_refused_unread",
        "data/test_npz.py::test_what_is_declared_is_checked_before_it_is_unpacked",
        "data/test_labelled_load.py::test_pickled_labels_are_refused",
        "data/test_idx.py::test_declared_terabytes_are_refused_before_they_are_unpacked",
    ),
    "a survey's folder": (
        "survey/test_from_elsewhere.py::test_whoever_reads_it_takes_tables_and_no_view_that_would_read_other_files",
        "survey/test_from_elsewhere.py::test_a_query_asks_the_tables_and_nothing_else",
        "survey/test_trust.py::test_files_of_somebody_else_run_only_where_the_user_says_so_and_this_is_remembered",
        "survey/test_trust.py::test_a_file_that_has_changed_runs_no_more_and_another_at_its_place_is_another",
        "survey/test_damage.py::test_",
    ),
    "a name of a file, a layer or a class": ("cli/test_odd_names.py::test_",),
}


def lines() -> list[str]:
    section = DOCS.partition("## What a file may do")[2].partition("\n## ")[0]
    return [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")][1:]


def test_every_line_of_the_table_has_its_tests():
    assert lines() == list(TESTS)


@pytest.mark.parametrize("name", [name for names in TESTS.values() for name in names])
def test_the_tests_of_a_line_are_there(name):
    file, _, function = name.partition("::")
    code = (HERE / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {function}{'' if function.endswith('_') else '[(]'}", code, flags=re.MULTILINE)
