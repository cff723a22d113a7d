"""A page is one file that loads nothing, shows everything, and says it to everyone."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import torch

from fiberscope.gallery import image_grid, theme, to_png
from fiberscope.problem.errors import FiberscopeError
from fiberscope.report import Figure, Page, Section, Table, render, write
from fiberscope.report.page_html import anchors
from report.pages import HOSTILE, full_page


class Elements(HTMLParser):
    """Every start tag with its attributes, and the tags that were opened and never closed."""

    def __init__(self, html):
        super().__init__()
        self.found, self.open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html():
    return render(full_page())


@pytest.fixture(scope="module")
def elements(html):
    return Elements(html)


def attributes(elements, tag):
    return [attributes for found, attributes in elements.found if found == tag]


def page_with(element) -> Page:
    return Page("Title", "Lead.", (), (Section("Question?", "Finding.", (element,)),))


def test_every_tag_is_closed_in_order(elements):
    assert elements.open == []


def test_every_picture_has_words_and_a_size(elements):
    pictures = attributes(elements, "img")
    assert len(pictures) == 2
    assert all(picture["alt"] and int(picture["width"]) and int(picture["height"]) for picture in pictures)


def test_a_picture_has_the_size_it_was_drawn_for_and_a_third():
    picture = image_grid(torch.zeros(1, 28, 28))
    shown = attributes(Elements(render(page_with(Figure(to_png(picture), "Black.", "A black tile.")))), "img")
    assert int(shown[0]["width"]) == pytest.approx(1.35 * picture.width / theme.DENSITY, abs=1)


def test_nothing_is_loaded_from_anywhere(html, elements):
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in elements.found}
    assert all(values["src"].startswith("data:image/png;base64,") for values in attributes(elements, "img"))
    assert not re.search(r"https?://|@import|url\(", html)


def test_the_browser_is_told_to_load_nothing(elements):
    policies = [values["content"] for values in attributes(elements, "meta") if "http-equiv" in values]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_every_text_is_escaped(html):
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 12  # two places each for title and lead


def test_every_address_is_there_once_and_every_link_has_one(elements):
    names = [values["id"] for _, values in elements.found if "id" in values]
    links = [values["href"] for values in attributes(elements, "a")]
    labels = [values["aria-labelledby"] for _, values in elements.found if "aria-labelledby" in values]
    assert len(names) == len(set(names))
    assert len(links) == 1 + 3 + 2
    assert {link.removeprefix("#") for link in links} | set(labels) <= set(names)


def test_an_address_says_where_it_leads_and_never_occurs_twice():
    assert anchors(["How far?", "How far?", "???", "Methods", "Wie weit für z²?"]) == [
        "how-far",
        "how-far-2",
        "question",
        "methods-2",
        "wie-weit-für-z²",
    ]


def test_there_is_one_title_and_a_heading_for_every_question(elements):
    tags = [tag for tag, _ in elements.found]
    assert tags.count("h1") == 1
    assert tags.count("h2") == 3 + 1 + 2
    assert tags.count("main") == tags.count("header") == tags.count("nav") == 1


def test_findings_stand_right_under_their_questions(html):
    assert re.search(r"Can it tell them apart\?</h2>\s*<p class=\"finding\">It cannot tell 10 of 10 apart\.</p>", html)


def test_columns_of_numbers_stand_flush_right_and_words_do_not(html):
    cells = re.findall(r"<(td|th)([^>]*)>([^<]*)</", html[html.index("<tbody>") : html.index("</tbody>")])
    number = ' class="number"'
    assert cells == [
        ("th", ' scope="row"', "one"),
        ("td", number, "1\N{NARROW NO-BREAK SPACE}200"),
        ("td", number, "3.00×10⁻¹³"),
        ("th", ' scope="row"', "two"),
        ("td", number, "−7"),
        ("td", number, "2.50"),
    ]


def test_a_table_without_rows_is_still_a_table():
    assert "<tbody>" in render(page_with(Table(("a", "b"), (), "Nothing was found.")))


def test_figures_and_tables_are_numbered_through_the_page(html):
    assert re.findall(r"<b>((?:Figure|Table) \d+)\.</b>", html) == ["Figure 1", "Table 1", "Figure 2"]


def test_what_is_not_said_takes_no_room():
    bare = render(Page("Title", "Lead.", (), ()))
    assert not re.search(r"<dl|How it was computed|What it was computed from|<section", bare)


def test_the_same_page_gives_the_same_bytes(html):
    assert render(full_page()) == html


def test_eight_figures_stay_below_three_megabytes():
    images = torch.rand(60, 28, 28, generator=torch.Generator().manual_seed(0))
    noise = Figure(to_png(image_grid(images)), "Noise is the hardest to compress.", "Sixty images.")
    page = Page("Title", "Lead.", (), (Section("Question?", "Finding.", (noise,) * 8),))
    assert len(render(page).encode()) < 3e6


def test_a_page_is_written_whole_and_read_back(tmp_path, html):
    path = write(full_page(), tmp_path / "runs" / "report.html")
    assert path.read_text(encoding="utf-8") == html
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("element", "argument"),
    [
        (Figure(b"no picture", "Caption.", "Words."), "image of figure 1"),
        (Figure(to_png(image_grid(torch.zeros(1, 2, 2))), "Caption.", " "), "alt of figure 1"),
        (Table(("a", "b"), (("one",),), HOSTILE), "rows of table 1"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(element, argument):
    with pytest.raises(FiberscopeError, match=f"^{argument}"):
        render(page_with(element))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.995 (95 %: 0.984 to 1.000)", "<dd>0.995 <small>95 %: 0.984 to 1.000</small></dd>"),
        ("5 of 6", "<dd>5 of 6</dd>"),
        ("(none)", "<dd>(none)</dd>"),
    ],
)
def test_an_interval_stands_under_its_headline_not_in_its_size(value, shown):
    assert shown in render(replace(full_page(), facts=(("a number", value),)))


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 5), (7, 7), (8, 4), (9, 5), (15, 5)])
def test_facts_stand_in_rows_of_nearly_the_same_length(count, columns):
    page = replace(full_page(), facts=tuple((f"number {i}", str(i)) for i in range(count)))
    assert f"--columns: {columns}" in render(page)
