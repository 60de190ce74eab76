"""What a file assumes about its variables: kinds after ``let``, conditions after ``where``, and whether they agree."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType

from symgrad.errors import input_error_at
from symgrad.parsing.magnitudes import exact_value
from symgrad.parsing.tree import Name, Node

KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "real": frozenset({"real"}),
        "positive": frozenset({"real", "positive"}),
        "nonzero": frozenset({"real", "nonzero"}),
        "integer": frozenset({"real", "integer"}),
        "positive integer": frozenset({"real", "positive", "integer"}),
        "complex": frozenset({"complex"}),
    }
)


def read_kind(text: str, column: int) -> frozenset[str]:
    """Return the assumptions of a kind.

    >>> sorted(read_kind("positive  integer", 1))
    ['integer', 'positive', 'real']
    """
    words = " ".join(text.split())
    column += len(text) - len(text.lstrip())
    if words not in KINDS:
        raise input_error_at(column, f"{words[:60]!r} is no kind (column {column}); write one of {', '.join(KINDS)}")
    return KINDS[words]


def combined(first: frozenset[str], second: frozenset[str]) -> frozenset[str]:
    """Return the assumptions of two kinds that hold together.

    >>> sorted(combined(KINDS["complex"], KINDS["positive"]))
    ['positive', 'real']
    """
    both = first | second
    return both - {"complex"} if "real" in both else both


def kind_sentence(name: str, kind: frozenset[str]) -> str:
    """Return a kind as a file states it.

    >>> kind_sentence("n", KINDS["positive integer"])
    'n: positive integer'
    """
    words = " ".join(word for word in ("nonzero", "positive", "integer", "complex") if word in kind)
    return f"{name}: {words or 'real'}"


@dataclass(frozen=True)
class Range:
    """The numbers one variable may still be; an end is None where there is none."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False
    excluded: frozenset[Fraction] = frozenset()

    def above(self, value: Fraction, *, open_end: bool) -> "Range":
        """Add a lower bound."""
        if self.low is None or value > self.low or (value == self.low and open_end):
            return replace(self, low=value, low_open=open_end)
        return self

    def below(self, value: Fraction, *, open_end: bool) -> "Range":
        """Add an upper bound."""
        if self.high is None or value < self.high or (value == self.high and open_end):
            return replace(self, high=value, high_open=open_end)
        return self

    def is_empty(self, *, integer: bool) -> bool:
        """Whether nothing is left.

        >>> Range(Fraction(0), Fraction(1), True, True).is_empty(integer=True)
        True
        """
        if self.low is None or self.high is None:
            return False
        if integer:
            low = math.floor(self.low) + 1 if self.low_open else math.ceil(self.low)
            high = math.ceil(self.high) - 1 if self.high_open else math.floor(self.high)
            return low > high or (low == high and Fraction(low) in self.excluded)
        at_one = self.low == self.high
        return self.low > self.high or (at_one and (self.low_open or self.high_open or self.low in self.excluded))


def contradiction(kinds: Mapping[str, frozenset[str]], conditions: Iterable[tuple[Node, str, Node]]) -> str | None:
    """Return the name of a variable that can be no number at all, where its kind and simple bounds tell.

    Parameters
    ----------
    kinds : name → assumptions; a name without an entry is real
    conditions : (left side, relation, right side); those between a plain name and a rational constant are understood

    Examples
    --------
    >>> from symgrad.parsing.reading import parse
    >>> contradiction({"x": KINDS["positive"]}, [(parse("x"), "<", parse("0"))])
    'x'
    """
    ranges: dict[str, Range] = {}
    for left, relation, right in conditions:
        for side, other, read in ((left, right, relation), (right, left, relation.translate(_TURNED))):
            value = exact_value(other)
            if isinstance(side, Name) and value is not None:
                start = ranges.get(side.name) or _of_kind(kinds.get(side.name, KINDS["real"]))
                ranges[side.name] = _narrowed(start, read, value)
    for name, left_over in ranges.items():
        if left_over.is_empty(integer="integer" in kinds.get(name, ())):
            return name
    return None


def is_never(left: Node, relation: str, right: Node) -> bool:
    """Whether a relation between two rational constants is false.

    >>> from symgrad.parsing.reading import parse
    >>> is_never(parse("1"), "<", parse("1/2")), is_never(parse("x"), "<", parse("x"))
    (True, False)
    """
    low, high = exact_value(left), exact_value(right)
    if low is None or high is None:
        return False
    holds = {"<": low < high, "<=": low <= high, ">": low > high, ">=": low >= high, "!=": low != high}
    return not holds.get(relation, low == high)


_TURNED = str.maketrans("<>", "><")


def _of_kind(kind: frozenset[str]) -> Range:
    start = Range(excluded=frozenset({Fraction(0)})) if "nonzero" in kind else Range()
    return start.above(Fraction(0), open_end=True) if "positive" in kind else start


def _narrowed(given: Range, relation: str, value: Fraction) -> Range:
    if relation == "!=":
        return replace(given, excluded=given.excluded | {value})
    open_end = relation in ("<", ">")
    if relation in (">", ">=", "="):
        given = given.above(value, open_end=open_end)
    if relation in ("<", "<=", "="):
        given = given.below(value, open_end=open_end)
    return given
