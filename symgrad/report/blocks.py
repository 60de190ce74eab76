"""The blocks a report is made of: frozen, finished values; evidence from symgrad.evidence is a block as it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symgrad.errors import InputError
from symgrad.evidence import Evidence
from symgrad.report.panels import Panel, panels_of

Cell = str | int | float | Fraction


@dataclass(frozen=True)
class Text:
    """Markdown as the author wrote it, passed through unchanged.

    >>> Text("The product of *all* factors.").markdown
    'The product of *all* factors.'
    """

    markdown: str


@dataclass(frozen=True)
class Formula:
    r"""LaTeX on a line of its own, written without dollar signs.

    >>> Formula(r"\\prod_{k=1}^{n} w\\,(1-x_k^2)", "the chain product").caption
    'the chain product'
    """

    latex: str
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.latex.strip() or "$" in self.latex:
            raise InputError(f"Formula needs LaTeX without dollar signs, got {self.latex!r}; e.g. r'x_{{k+1}} = w x_k'")


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; a cell is a text (code spans and $math$ allowed) or a finished number.

    Parameters
    ----------
    header : one name per column
    rows : each with as many cells as the header; floats are shown with six significant digits
    caption : one sentence under the table

    Examples
    --------
    >>> Table(("regime", "share"), {"vanishing": 0.75, "exploding": 0.25}.items()).rows[0]
    ('vanishing', 0.75)
    >>> Table(("regime", "share"), [("vanishing",)])
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: row 1 of a Table has 1 cells, the header has 2; give every row one cell per column
    """

    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    caption: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "header", tuple(self.header))
        object.__setattr__(self, "rows", tuple(tuple(row) for row in self.rows))
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.header):
                raise InputError(
                    f"row {number} of a Table has {len(row)} cells, the header has {len(self.header)}; "
                    "give every row one cell per column"
                )


@dataclass(frozen=True, eq=False)
class Figure:
    """Panels in a grid, with the sentence that says what they show.

    Parameters
    ----------
    picture : a Panel, a sequence of Panels, or a result whose kind is registered with ``panels_of``
    caption : stands under the picture; code spans and $math$ allowed
    alt : what the picture shows, for those who do not see it; the caption when empty
    columns : panels in a row, one to three; None takes one, two (for 2 and 4 panels) or three
    size : width and height in inches; None takes the house size

    Examples
    --------
    >>> from symgrad.report import Line
    >>> Figure(Panel([Line([0, 1], [0, 2])], "x", "2x"), "A line.").alt
    'A line.'
    """

    picture: object
    caption: str
    alt: str = ""
    columns: int | None = field(default=None, kw_only=True)
    size: tuple[float, float] | None = field(default=None, kw_only=True)
    panels: tuple[Panel, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "panels", panels_of(self.picture))
        if not self.caption.strip():
            raise InputError("Figure.caption is empty; say in one sentence what the picture shows")
        if not self.alt.strip():
            object.__setattr__(self, "alt", self.caption)
        count = len(self.panels)
        usual = count if count <= 3 else 2 if count == 4 else 3
        columns = usual if self.columns is None else self.columns
        if columns not in (1, 2, 3):
            raise InputError(f"Figure.columns must be 1, 2 or 3, got {columns}")
        object.__setattr__(self, "columns", columns)

    def _repr_svg_(self) -> str:
        from symgrad.report.drawing import draw_svg

        return draw_svg(self).decode()


Block = Text | Formula | Table | Figure | Evidence


@dataclass(frozen=True, init=False)
class Report:
    """What an analysis found, block by block, in the author's order.

    Examples
    --------
    >>> print(Report(Text("One word."), Formula("x^2"))._repr_markdown_())
    One word.
    <BLANKLINE>
    ```math
    x^2
    ```
    >>> Report("One word.")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: block 1 of a Report is a str; wrap words in Text(...), results in Table or Figure
    """

    blocks: tuple[Block, ...]

    def __init__(self, *blocks: Block) -> None:
        for number, block in enumerate(blocks, start=1):
            if not isinstance(block, Block):
                raise InputError(
                    f"block {number} of a Report is a {type(block).__name__}; "
                    "wrap words in Text(...), results in Table or Figure"
                )
        if not blocks:
            raise InputError("a Report needs at least one block, got none; e.g. Report(Text('...'))")
        object.__setattr__(self, "blocks", blocks)

    def _repr_markdown_(self) -> str:
        from symgrad.report.markdown import notebook

        return notebook(self)
