"""Numbers are written as they stand in a paper, and never say more than they know."""

import math

import pytest

from fiberscope.gallery.numbers import full_number, percent, power_of_ten, short_number


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-2.5, "−2.5"),
        (3.14159, "3.14"),
        (0.00125, "0.00125"),
        (0.00026, "2.6×10⁻⁴"),
        (9.999, "10"),
        (12345.0, "12300"),
        (1e-10, "10⁻¹⁰"),
        (-1e-10, "−1×10⁻¹⁰"),
        (3.127e-13, "3.13×10⁻¹³"),
        (6.02e23, "6.02×10²³"),
        (math.nan, "not a number"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_short_number_keeps_three_figures(value, words):
    assert short_number(value) == words


def test_short_number_keeps_as_many_figures_as_asked():
    assert short_number(3.14159e-7, digits=2) == "3.1×10⁻⁷"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 %"),
        (1e-5, "<0.1 %"),
        (0.4, "40.0 %"),
        (0.9994, ">99.9 %"),
        (1.0, "100 %"),
        (math.nan, "not a number"),
    ],
)
def test_percent_says_none_or_all_only_where_it_is_so(share, words):
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == words


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0 %"), (0.004, "<1 %"), (0.118, "12 %"), (0.994, ">99 %"), (1.0, "100 %")]
)
def test_percent_without_digits_is_as_careful_about_none_and_all(share, words):
    assert percent(share, digits=0).replace("\N{NO-BREAK SPACE}", " ") == words


def test_ten_to_the_zero_is_one():
    assert [power_of_ten(power) for power in (-2, 0, 13)] == ["10⁻²", "1", "10¹³"]


def test_a_column_of_numbers_has_the_same_figures_in_every_row():
    column = [3.0, 0.25, -41.0, 2e-13, 1e10, 0.0]
    assert [full_number(value) for value in column] == [
        "3.00",
        "0.250",
        "−41.0",
        "2.00×10⁻¹³",
        "1.00×10¹⁰",
        "0",
    ]
