"""The lines of a file that hold claims: all of a plain file, those inside the ``symgrad`` fences of a Markdown file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

NOTE = "#>"
_FENCE = re.compile(r"[ \t]*(?P<marks>`{3,}|~{3,})(?P<info>.*)")
_NOTE = re.compile(r"[ \t]*#>.*$", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One line that may hold a claim.

    Parameters
    ----------
    number : its place in the file, from 1
    text : the whole line without its end
    block : the fence it stands in, from 0; a chain does not go on in another one
    """

    number: int
    text: str
    block: int

    @property
    def code(self) -> str:
        """The line up to its comment."""
        return self.text.partition("#")[0].rstrip()

    @property
    def without_note(self) -> str:
        """The line without the verdict that an earlier run wrote beside it.

        >>> Line(1, "x = x  # mine  #> proved", 0).without_note
        'x = x  # mine'
        """
        return _NOTE.sub("", self.text) if self.code else self.text


def split_lines(text: str) -> list[str]:
    r"""Return the lines of a text without their ends, which are ``\n`` or ``\r\n``."""
    return [line.removesuffix("\r") for line in text.split("\n")]


def claim_lines(text: str) -> list[Line]:
    r"""Return the lines that may hold claims.

    A text with a ``symgrad`` fence is Markdown; one without is read as a plain file.

    Examples
    --------
    >>> [(line.number, line.text) for line in claim_lines("Prose.\n```symgrad\nx = x\n```\nMore.")]
    [(3, 'x = x')]
    """
    lines = split_lines(text)
    fenced = list(_fenced(lines))
    if fenced or has_fence(text):
        return fenced
    return [Line(number, line, 0) for number, line in enumerate(lines, 1)]


def has_fence(text: str) -> bool:
    r"""Return whether a text is Markdown with a ``symgrad`` fence.

    >>> has_fence("````\n```symgrad\n````"), has_fence("```symgrad\nx = x")
    (False, True)
    """
    return any(is_ours for _, is_ours in _openings(split_lines(text)))


def _openings(lines: list[str]) -> Iterator[tuple[int, bool]]:
    """Yield the index of each line that opens a fence, and whether the fence is one of ours."""
    marks = ""
    for place, line in enumerate(lines):
        match = _FENCE.match(line)
        if match is None:
            continue
        if not marks:
            marks = match["marks"]
            yield place, match["info"].split()[:1] == ["symgrad"]
        elif match["marks"].startswith(marks) and not match["info"].strip():
            marks = ""


def _fenced(lines: list[str]) -> Iterator[Line]:
    for block, (place, is_ours) in enumerate(_openings(lines)):
        if not is_ours:
            continue
        opening = _FENCE.match(lines[place])
        assert opening is not None
        for number in range(place + 1, len(lines)):
            match = _FENCE.match(lines[number])
            if match and match["marks"].startswith(opening["marks"]) and not match["info"].strip():
                break
            yield Line(number + 1, lines[number], block)
