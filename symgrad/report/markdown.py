"""Blocks into Markdown that GitHub renders: the question as title, the finding, the author's blocks, the reference."""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from symgrad.errors import InputError
from symgrad.evidence import Evidence
from symgrad.report.blocks import Block, Cell, Figure, Formula, Report, Table, Text
from symgrad.report.escaping import code, plain, prose

MARK = "<!-- written by `symgrad report` from "


@dataclass(frozen=True)
class Heading:
    """What stands around an author's blocks.

    Parameters
    ----------
    name : the identity of the report, and the name of its files
    question : the title
    finding : the first paragraph is the lead, in bold; further paragraphs follow it
    reference : the literature the report rests on
    command : what was typed to make the report, to be typed again
    """

    name: str
    question: str
    finding: str
    reference: str
    command: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.name):
            raise InputError(f"a report is named by letters, digits and _, got {self.name!r}; rename the file")


@dataclass(frozen=True)
class PictureFile:
    """A figure as it will lie on disk: its name in figures/, its bytes, and the words for those who do not see it."""

    name: str
    content: bytes
    alt: str


@dataclass(frozen=True)
class Page:
    """A finished report in memory: NAME.md and the figures it links to."""

    name: str
    markdown: str
    pictures: tuple[PictureFile, ...] = ()


@dataclass(frozen=True)
class GalleryEntry:
    """One line of the gallery: question, finding, and the first figure of the report, if it has one."""

    name: str
    question: str
    finding: str
    picture: str | None = None
    alt: str = ""


def render(report: Report, heading: Heading) -> Page:
    """Write the report out in memory, figures drawn; the same report gives the same bytes.

    Examples
    --------
    >>> heading = Heading("demo", "Why?", "Because.", "Nobody (1900)", "symgrad report demo")
    >>> page = render(Report(Text("Body.")), heading)
    >>> print(page.markdown)
    <!-- written by `symgrad report` from demo.py; change that file instead -->
    # Why?
    <BLANKLINE>
    **Because.**
    <BLANKLINE>
    Body.
    <BLANKLINE>
    ## Reference
    <BLANKLINE>
    Nobody (1900)
    <BLANKLINE>
    Made by `symgrad report demo`.
    <BLANKLINE>
    """
    pictures: list[PictureFile] = []

    def link(figure: Figure) -> str:
        from symgrad.report.drawing import draw

        content, suffix = draw(figure)
        pictures.append(PictureFile(f"{heading.name}-{len(pictures) + 1}{suffix}", content, plain(figure.alt)))
        return f"figures/{pictures[-1].name}"

    parts = [
        f"{MARK}{heading.name}.py; change that file instead -->\n# {prose(heading.question)}",
        _lead(heading.finding),
        body(report.blocks, link),
        f"## Reference\n\n{prose(heading.reference)}",
        f"Made by {code(heading.command)}.",
    ]
    return Page(heading.name, "\n\n".join(parts) + "\n", tuple(pictures))


def notebook(report: Report) -> str:
    """Return the blocks as Markdown with the pictures inside it, as a notebook shows them."""

    def embed(figure: Figure) -> str:
        from symgrad.report.drawing import draw_png

        return "data:image/png;base64," + b64encode(draw_png(figure)).decode()

    return body(report.blocks, embed)


def gallery(entries: Sequence[GalleryEntry]) -> str:
    """Return reports/README.md: every question with its finding and the picture that shows it, linked to the report.

    Examples
    --------
    >>> print(gallery([GalleryEntry("demo", "Why?", "Because.", "demo-1.svg", "A line.")]))
    <!-- written by `symgrad report` from the analyses; change those files instead -->
    # Questions and findings
    <BLANKLINE>
    ## [Why?](demo.md)
    <BLANKLINE>
    Because.
    <BLANKLINE>
    [![A line.](figures/demo-1.svg)](demo.md)
    <BLANKLINE>
    """
    parts = [f"{MARK}the analyses; change those files instead -->\n# Questions and findings"]
    for entry in entries:
        parts += [f"## [{prose(entry.question)}]({entry.name}.md)", prose(_paragraphs(entry.finding)[0])]
        if entry.picture:
            parts.append(f"[![{entry.alt}](figures/{entry.picture})]({entry.name}.md)")
    return "\n\n".join(parts) + "\n"


def body(blocks: Sequence[Block], link: Callable[[Figure], str]) -> str:
    """Return the blocks in their order; ``link`` gives a figure's address; neighbouring evidence is one list."""
    parts: list[str] = []
    for is_evidence, group in groupby(blocks, lambda block: isinstance(block, Evidence)):
        rendered = [_block(block, link) for block in group]
        parts += ["\n".join(rendered)] if is_evidence else rendered
    return "\n\n".join(part for part in parts if part)


def _block(block: Block, link: Callable[[Figure], str]) -> str:
    match block:
        case Text():
            return block.markdown.strip()
        case Formula():
            return _captioned(f"```math\n{_without_blank_lines(block.latex)}\n```", block.caption)
        case Table():
            return _captioned(_table(block), block.caption)
        case Figure():
            return _captioned(f"![{plain(block.alt)}]({link(block)})", block.caption)
        case Evidence():
            return _statement(block)


def _statement(evidence: Evidence) -> str:
    """Return one exact statement as a list item: what was claimed, how far it is decided, by what, and where."""
    word = evidence.verdict.word
    rest = evidence.verdict.value.removeprefix(word)
    gap = " " if rest.startswith(" ") else ""
    lines = [f"- {code(evidence.claim)}", f"**{word.capitalize()}**{gap}{prose(rest)}."]
    if evidence.method:
        lines.append(f"Method: {prose(evidence.method)}.".replace("..", "."))
    if evidence.domain:
        lines.append(f"Holds where {', '.join(code(condition) for condition in evidence.domain)}.")
    if evidence.witness:
        point = ", ".join(f"{name} = {value}" for name, value in evidence.witness.items())
        lines.append(f"Point: {code(point)}.")
    return f"{lines[0]}\\\n  {' '.join(lines[1:])}"


def _table(table: Table) -> str:
    """Return a GitHub table; columns of numbers only are aligned right."""
    rows = list(table.rows)
    numeric = [bool(rows) and all(not isinstance(row[i], str) for row in rows) for i in range(len(table.header))]
    lines = [
        [prose(name, cell=True) for name in table.header],
        ["---:" if right else "---" for right in numeric],
        *[[_cell(value) for value in row] for row in rows],
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(value: Cell) -> str:
    """Return the text of a cell; a float shows six significant digits."""
    if isinstance(value, str):
        return prose(value, cell=True)
    if isinstance(value, bool | int | Fraction):
        return str(value)
    return f"{value:.6g}"


def _captioned(block: str, caption: str) -> str:
    return f"{block}\n\n*{prose(caption)}*" if caption.strip() else block


def _lead(finding: str) -> str:
    first, *rest = _paragraphs(finding)
    return "\n\n".join([f"**{prose(first)}**", *[prose(paragraph) for paragraph in rest]])


def _paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in re.split(r"\n\s*\n", text.strip()) if paragraph] or [""]


def _without_blank_lines(text: str) -> str:
    return "\n".join(line for line in text.strip().splitlines() if line.strip())
