"""Words reach the reader as they were written."""

import pytest

from symgrad.report import Table, Text
from symgrad.report.escaping import code, plain, prose
from symgrad.report.markdown import body


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("w*x + b*y", r"w\*x + b\*y"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("# not a title", r"\# not a title"),
        ("- not a list", r"\- not a list"),
        ("-1 is a number", "-1 is a number"),
        ("1. not a list", r"1\. not a list"),
        ("two\nlines", "two lines"),
        ("[no](link)", r"\[no\](link)"),
        ("costs $5", r"costs \$5"),
        ("`a*b` and $c*d$", "`a*b` and $c*d$"),
        ("see https://example.org/a_b*c", "see https://example.org/a_b*c"),
        ("a ` lone quote", r"a \` lone quote"),
    ],
)
def test_words_outside_code_and_math_are_literal(words: str, shown: str) -> None:
    assert prose(words) == shown


def test_no_cell_can_break_its_row() -> None:
    cells = ["a|b", "two\nlines", "<b>bold</b>", "`x|y`", "$|x|$", r"back\slash", "a`b"]
    table = body([Table(("cell | header",), [(cell,) for cell in cells])], lambda figure: "")
    lines = table.split("\n")
    assert len(lines) == 2 + len(cells)
    for line in lines:
        assert line.startswith("| ")
        assert line.endswith(" |")
        assert line[1:-1].replace(r"\|", "").count("|") == 0
        assert "<b>" not in line


def test_numbers_in_a_table_are_right_aligned_and_rounded_once() -> None:
    table = body([Table(("what", "value"), [("third", 1 / 3), ("count", 12345678)])], lambda figure: "")
    assert table == "| what | value |\n| --- | ---: |\n| third | 0.333333 |\n| count | 12345678 |"


def test_code_spans_survive_back_quotes_at_their_ends() -> None:
    assert code("`x`") == "`` `x` ``"
    assert code("a|b", cell=True) == r"`a\|b`"


def test_alternative_text_holds_no_markup() -> None:
    assert plain("A [map]\nof `tanh` and $x_0$") == r"A \[map\] of tanh and x\_0"


def test_author_markdown_is_passed_through() -> None:
    assert body([Text("a *b* | c\n\n- d")], lambda figure: "") == "a *b* | c\n\n- d"
