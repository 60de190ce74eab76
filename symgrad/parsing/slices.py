"""Slices of a net's parameters: which layers share one swept name, as ``u=w[1..3], v=w[4..6]`` says it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from symgrad.errors import InputError
from symgrad.parsing.limits import STANDARD
from symgrad.parsing.refusals import refusal
from symgrad.parsing.tokens import tokenize
from symgrad.parsing.values import variable_name

_RANGE = re.compile(r"\s*(?P<name>\w+)\s*\[\s*(?P<first>[0-9]{1,15})\s*(?:\.\.\s*(?P<last>[0-9]{1,15})\s*)?\]\s*")
_EXAMPLE = "write e.g. u=w[1..3], v=w[4..6] or u=w[1..3]+w[5]"


@dataclass(frozen=True, order=True)
class LayerRange:
    """The layers ``first`` to ``last`` (both counted, from 1) of the parameter ``parameter``.

    >>> str(LayerRange("w", 1, 3)), str(LayerRange("w", 5, 5))
    ('w[1..3]', 'w[5]')
    """

    parameter: str
    first: int
    last: int

    def __str__(self) -> str:
        last = "" if self.first == self.last else f"..{self.last}"
        return f"{self.parameter}[{self.first}{last}]"

    def __len__(self) -> int:
        return self.last - self.first + 1


Slice = Mapping[str, tuple[LayerRange, ...]]


def parse_slice(text: str) -> dict[str, tuple[LayerRange, ...]]:
    """Return the layers that each swept name stands for; several ranges of one name are joined by ``+``.

    Raises
    ------
    InputError
        When the text is no slice, a name is given twice, or two ranges share a layer.

    Examples
    --------
    >>> parse_slice("u = w[1..2] + w[5], v=w[3..4]")["u"]
    (LayerRange(parameter='w', first=1, last=2), LayerRange(parameter='w', first=5, last=5))
    >>> parse_slice("u=w[1..3], v=w[3..4]")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: w[1..3] and w[3..4] share a layer; let every layer belong to one name
    """
    if len(text) > STANDARD.characters:
        raise InputError(f"a slice has at most {STANDARD.characters} characters, got {len(text)}; {_EXAMPLE}")
    found: dict[str, tuple[LayerRange, ...]] = {}
    start = 0
    for part in text.split(","):
        name, ranges = _part(part, start, text)
        if name in found:
            raise refusal(
                text, column=start + 1, problem=f"{name!r} is given twice", remedy="join its ranges: u=w[1..3]+w[5]"
            )
        found[name] = ranges
        start += len(part) + 1
    _apart([r for ranges in found.values() for r in ranges])
    return found


def check_layers(one: LayerRange, *, layered: Sequence[str], depth: int) -> None:
    """Refuse layers of a parameter that has no value per layer, and layers beyond the depth.

    >>> check_layers(LayerRange("w", 4, 7), layered=["w"], depth=6)
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: the slice names w[4..7], but there are layers 1 to 6 only; lower the range or raise --depth
    """  # noqa: E501
    if one.parameter not in layered:
        known = ", ".join(sorted(layered)) or "none has"
        raise InputError(
            f"the slice names {one}, but {one.parameter} has no value per layer ({known}); "
            f"untie it, e.g. --untied {one.parameter}"
        )
    if one.last > depth:
        raise InputError(
            f"the slice names {one}, but there are layers 1 to {depth} only; lower the range or raise --depth"
        )


def uncovered(ties: Slice, parameter: str, depth: int) -> list[LayerRange]:
    """Return the layers of a parameter that no swept name stands for, in order.

    >>> uncovered(parse_slice("u=w[2..3]"), "w", 6)
    [LayerRange(parameter='w', first=1, last=1), LayerRange(parameter='w', first=4, last=6)]
    """
    taken = sorted(one for ranges in ties.values() for one in ranges if one.parameter == parameter)
    edges = [0, *(edge for one in taken for edge in (one.first, one.last)), depth + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return [LayerRange(parameter, low + 1, high - 1) for low, high in gaps if high - low > 1]


def _part(part: str, start: int, text: str) -> tuple[str, tuple[LayerRange, ...]]:
    """Read one ``name=range+range`` that begins at a place of the whole text."""
    before, sign, after = part.partition("=")
    if not sign:
        raise refusal(text, column=start + 1, problem="this is no slice", remedy=_EXAMPLE)
    name = _name(start, start + len(before), text)
    ranges = []
    place = start + len(before) + 1
    for piece in after.split("+"):
        match = _RANGE.fullmatch(piece)
        if match is None:
            raise refusal(text, column=place + 1, problem="a range of layers is needed here", remedy=_EXAMPLE)
        parameter = _name(place + match.start("name"), place + match.end("name"), text)
        first = int(match["first"])
        last = first if match["last"] is None else int(match["last"])
        if not 1 <= first <= last:
            raise refusal(
                text,
                column=place + 1 + match.start("first"),
                problem=f"{LayerRange(parameter, first, last)} holds no layer",
                remedy="layers count from 1, the smaller number first",
            )
        ranges.append(LayerRange(parameter, first, last))
        place += len(piece) + 1
    return name, tuple(sorted(ranges))


def _name(start: int, stop: int, text: str) -> str:
    return variable_name(tokenize(text, start=start, stop=stop), text, start + 1)


def _apart(ranges: list[LayerRange]) -> None:
    """Refuse two ranges of one parameter that share a layer."""
    ordered = sorted(ranges)
    for one, other in pairwise(ordered):
        if one.parameter == other.parameter and other.first <= one.last:
            raise InputError(f"{one} and {other} share a layer; let every layer belong to one name")
