"""A report as Markdown: the author's order, framed by question, finding and reference."""

import re

import pytest

from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict
from symgrad.report import (
    Figure,
    Formula,
    GalleryEntry,
    Heading,
    Line,
    Panel,
    Report,
    Table,
    Text,
    gallery,
    render,
)
from symgrad.report.markdown import body

HEADING = Heading(
    "sigmoid_chain",
    "Where does a sigmoid chain lose its signal?",
    "For |w| < 4 the product w*w*... vanishes.\n\nWhatever the input.",
    "Pascanu et al. (2013), sec. 2, https://arxiv.org/abs/1211.5063",
    "symgrad report sigmoid_chain",
)
PICTURE = Figure(Panel([Line([0, 1], [0, 1])], r"$x_0$", "state"), "The state over $x_0$.", "A rising [line].")


def test_a_report_is_rendered_in_the_authors_order() -> None:
    report = Report(
        Text("Text first."),
        PICTURE,
        Formula(r"x_{k+1} = w\,x_k", "the layer"),
        Table(("regime", "share"), [("vanishing", 0.5)], "Shares."),
        Evidence("abs(w) <= 4", Verdict.PROVED, "rational normal form"),
        PICTURE,
    )
    page = render(report, HEADING)
    expected = """<!-- written by `symgrad report` from sigmoid_chain.py; change that file instead -->
# Where does a sigmoid chain lose its signal?

**For |w| &lt; 4 the product w\\*w\\*... vanishes.**

Whatever the input.

Text first.

![A rising \\[line\\].](figures/sigmoid_chain-1.svg)

*The state over $x_0$.*

```math
x_{k+1} = w\\,x_k
```

*the layer*

| regime | share |
| --- | ---: |
| vanishing | 0.5 |

*Shares.*

- `abs(w) <= 4`\\
  **Proved** by an exact argument. Method: rational normal form.

![A rising \\[line\\].](figures/sigmoid_chain-2.svg)

*The state over $x_0$.*

## Reference

Pascanu et al. (2013), sec. 2, https://arxiv.org/abs/1211.5063

Made by `symgrad report sigmoid_chain`.
"""
    assert page.markdown == expected
    assert [picture.name for picture in page.pictures] == ["sigmoid_chain-1.svg", "sigmoid_chain-2.svg"]


def test_evidence_prints_statement_verdict_method_domain_and_witness() -> None:
    blocks = [
        Evidence("f(x) != 0", Verdict.REFUTED, "ball arithmetic", witness={"x": "1/3", "w": "2"}, domain=("x > 0",)),
        *[Evidence("a | b", verdict, "") for verdict in Verdict],
    ]
    lines = body(blocks, lambda figure: "").split("\n")
    assert lines[0] == "- `f(x) != 0`\\"
    assert lines[1] == (
        "  **Refuted** by the point named. Method: ball arithmetic. Holds where `x > 0`. Point: `x = 1/3, w = 2`."
    )
    assert len(lines) == 2 * len(blocks)
    for verdict, line in zip(Verdict, lines[3::2], strict=True):
        assert line.replace("**", "").strip().lower() == f"{verdict.value}."


def test_the_same_report_gives_the_same_page() -> None:
    assert render(Report(PICTURE), HEADING) == render(Report(PICTURE), HEADING)


def test_a_notebook_shows_the_picture_inside_the_markdown() -> None:
    shown = Report(Text("Words."), PICTURE)._repr_markdown_()
    assert re.search(r"!\[A rising \\\[line\\\]\.\]\(data:image/png;base64,[A-Za-z0-9+/=]+\)", shown)
    assert PICTURE._repr_svg_().startswith("<?xml")


def test_the_gallery_leads_from_question_to_finding_to_picture() -> None:
    page = gallery(
        [
            GalleryEntry("one", "Why [this]?", "Because.\n\nIn detail.", "one-1.svg", "A line."),
            GalleryEntry("two", "And without a picture?", "Nothing."),
        ]
    )
    assert page.split("\n\n")[1:] == [
        "## [Why \\[this\\]?](one.md)",
        "Because.",
        "[![A line.](figures/one-1.svg)](one.md)",
        "## [And without a picture?](two.md)",
        "Nothing.\n",
    ]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda: Report(), "at least one block"),
        (lambda: Report(PICTURE, None), "block 2"),
        (lambda: Formula("$x$"), "without dollar signs"),
        (lambda: Formula(" "), "without dollar signs"),
        (lambda: Table(("a",), [(1,), (1, 2)]), "row 2"),
        (lambda: Heading("../up", "q", "f", "r", "c"), "letters, digits"),
    ],
)
def test_unfinished_blocks_are_refused(fault, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=says):
        fault()
