"""The values of the command line: numbers, assignments, axes and lists of names.

A value is a :data:`Constant`: a ``Fraction`` wherever arithmetic alone gives a rational number, else the tree of a real
constant such as ``2*pi``. ``symgrad.parsing.to_float`` and ``to_exact`` turn either into a number.
"""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from symgrad.errors import InputError
from symgrad.parsing.limits import STANDARD
from symgrad.parsing.magnitudes import enclosing_interval, exact_value
from symgrad.parsing.reading import parse_tokens, split_tokens
from symgrad.parsing.refusals import refusal, shorten
from symgrad.parsing.signatures import GRAMMAR_ARITIES, check_calls
from symgrad.parsing.tokens import Kind, Token, check_name, tokenize
from symgrad.parsing.tree import CONSTANTS, Name, Node, indexed_names, names, walk

Constant: TypeAlias = Fraction | Node

_NOT_NUMBERS = frozenset({"nan", "inf", "infinity"})
_FILE_BYTES = 50_000_000
_FILE_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def parse_number(text: str) -> Fraction:
    """Return the exact value of one rational constant.

    Examples
    --------
    >>> parse_number("-2.6"), parse_number("1/3"), parse_number("1e-5")
    (Fraction(-13, 5), Fraction(1, 3), Fraction(1, 100000))
    >>> parse_number("nan")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: 'nan' is not a finite number (column 1 of 'nan'); give a number, or another name
    """
    value = parse_constant(text)
    if isinstance(value, Fraction):
        return value
    raise refusal(
        text, column=1, problem="the value is not a rational number", remedy="give one, e.g. -2.6, 1/3 or 1e-5"
    )


def parse_constant(text: str) -> Constant:
    """Return the value of a real constant: a Fraction when it is rational by arithmetic alone, else its tree.

    Examples
    --------
    >>> parse_constant("3/4")
    Fraction(3, 4)
    >>> parse_constant("pi")
    Name(name='pi', column=1)
    """
    return _constant(tokenize(text), text, 1)


def parse_values(text: str) -> tuple[Constant, ...]:
    """Return constants separated by commas, as ``--start`` takes them.

    Examples
    --------
    >>> parse_values("-0.3,0.1")
    (Fraction(-3, 10), Fraction(1, 10))
    """
    return _constants(tokenize(text), text, 1)


def parse_assignment(text: str) -> tuple[str, Constant | tuple[Constant, ...]]:
    """Return the name and the value of ``name=value``, ``name=[v1,v2,…]`` or ``name=@FILE``.

    Returns
    -------
    tuple
        The name, and one constant, or a tuple with one constant for each layer.

    Examples
    --------
    >>> parse_assignment("w=[2,0.5,-3]")
    ('w', (Fraction(2, 1), Fraction(1, 2), Fraction(-3, 1)))
    """
    before, sign, after = text.partition("=")
    if not sign:
        raise refusal(text, column=1, problem="'=' is missing", remedy="write name=value, e.g. w=5")
    name = variable_name(tokenize(text, start=0, stop=len(before)), text, 1)
    if after.lstrip().startswith("@"):
        return name, read_numbers(Path(after.strip()[1:]))
    tokens = tokenize(text, start=len(before) + 1)
    column = len(before) + 2
    if tokens and tokens[0].text == "[":
        return name, _list(tokens, text)
    return name, _constant(tokens, text, column)


def parse_point(text: str) -> dict[str, Constant]:
    """Return the values of ``name=value`` pairs separated by commas, as ``--at`` takes them.

    Examples
    --------
    >>> parse_point("w=5,b=-2.7")
    {'w': Fraction(5, 1), 'b': Fraction(-27, 10)}
    """
    point: dict[str, Constant] = {}
    for part, column in split_tokens(tokenize(text), ","):
        if len(part) < 2 or part[1].text != "=":
            raise refusal(text, column=column, problem="name=value is missing", remedy="write e.g. w=5,b=-2.7")
        name = variable_name(part[:1], text, column)
        if name in point:
            raise _twice(name, text, column)
        point[name] = _constant(part[2:], text, part[1].column + 1)
    return point


def parse_axis(text: str) -> tuple[str, Constant, Constant, int | None]:
    """Return the name, the lower end, the upper end and the number of points of ``name=low:high[:count]``.

    Examples
    --------
    >>> parse_axis("b=-6:-1:101")
    ('b', Fraction(-6, 1), Fraction(-1, 1), 101)
    >>> parse_axis("b=-1:-6")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: low is not below high (column 3 of 'b=-1:-6'); write the smaller end first, e.g. b=-6:-1:101
    """  # noqa: E501
    before, sign, after = text.partition("=")
    ends = after.split(":")
    if not sign or len(ends) not in (2, 3):
        raise refusal(
            text, column=1, problem="this is not an axis", remedy="write name=low:high or name=low:high:count"
        )
    name = variable_name(tokenize(text, start=0, stop=len(before)), text, 1)
    start = len(before) + 1
    middle = start + len(ends[0]) + 1
    stop = middle + len(ends[1])
    low = _constant(tokenize(text, start=start, stop=middle - 1), text, start + 1)
    high = _constant(tokenize(text, start=middle, stop=stop), text, middle + 1)
    if not _below(low, high):
        raise refusal(
            text,
            column=start + 1,
            problem="low is not below high",
            remedy=f"write the smaller end first, e.g. {name[:20]}=-6:-1:101",
        )
    return name, low, high, _count(ends[2], text, stop + 2) if len(ends) == 3 else None


def parse_names(text: str) -> tuple[str, ...]:
    """Return different variable names separated by commas.

    Examples
    --------
    >>> parse_names("x, y")
    ('x', 'y')
    """
    found: list[str] = []
    for part, column in split_tokens(tokenize(text), ","):
        name = variable_name(part, text, column)
        if name in found:
            raise _twice(name, text, column)
        found.append(name)
    return tuple(found)


def read_numbers(path: Path) -> tuple[Fraction, ...]:
    """Return the numbers of a text file, separated by blanks, commas or line ends, read exactly.

    Raises
    ------
    InputError
        When the file cannot be read, is empty, or holds anything that is not a finite number; it names the line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES + 1)
        text = content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(
            f"the file {shorten(str(path))} cannot be read ({reason}); give a text file of numbers"
        ) from None
    if len(content) > _FILE_BYTES:
        raise InputError(f"the file {shorten(str(path))} has more than {_FILE_BYTES} bytes; split it")
    found: list[Fraction] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for word in line.replace(",", " ").split():
            if len(word) > STANDARD.digits or not _FILE_NUMBER.fullmatch(word):
                raise InputError(
                    f"line {number} of the file {shorten(str(path))} holds {shorten(word)}; "
                    "write finite decimal numbers, e.g. -2.6 or 1e-5"
                )
            found.append(Fraction(word))
    if not found:
        raise InputError(f"the file {shorten(str(path))} holds no number; write at least one")
    return tuple(found)


def _constants(tokens: Sequence[Token], text: str, column: int) -> tuple[Constant, ...]:
    return tuple(_constant(part, text, first) for part, first in split_tokens(tokens, ",", column=column))


def _constant(tokens: Sequence[Token], text: str, column: int) -> Constant:
    """Return the constant that some tokens of a text make; ``column`` is where an empty one is missing."""
    if not tokens:
        raise refusal(text, column=column, problem="a number is missing", remedy="give one, e.g. -2.6, 1/3 or 1e-5")
    node = parse_tokens(tokens, text, column=column)
    for part in walk(node):
        if isinstance(part, Name) and (part.name.lower() in _NOT_NUMBERS or part.name == "oo"):
            raise refusal(
                text,
                column=part.column,
                problem=f"{part.name!r} is not a finite number",
                remedy="give one, e.g. -2.6, 1/3 or 1e-5",
            )
    variables = sorted(names(node) | indexed_names(node))
    if variables:
        raise refusal(
            text,
            column=tokens[0].column,
            problem=f"a number is needed, but {variables[0]!r} is a name",
            remedy="give one, e.g. -2.6, 1/3 or 1e-5",
        )
    check_calls(node, {})
    value = exact_value(node)
    if value is None and enclosing_interval(node) is None:
        raise refusal(text, column=tokens[0].column, problem="this is not a real number", remedy="give one, e.g. -2.6")
    return node if value is None else value


def _list(tokens: Sequence[Token], text: str) -> tuple[Constant, ...]:
    """Return the constants between the first and the last token, which must be square brackets."""
    if tokens[-1].text != "]":
        raise refusal(
            text, column=tokens[0].column, problem="'[' is never closed", remedy="write [v1,v2,...], one for each layer"
        )
    if len(tokens) == 2:
        raise refusal(text, column=tokens[0].column, problem="the list is empty", remedy="give a number for each layer")
    return _constants(tokens[1:-1], text, tokens[0].column + 1)


def variable_name(tokens: Sequence[Token], text: str, column: int) -> str:
    """Return the one name that some tokens of a text are; ``column`` is where it is missing.

    >>> variable_name(tokenize("w"), "w", 1)
    'w'
    """
    if len(tokens) != 1 or tokens[0].kind is not Kind.NAME:
        raise refusal(text, column=column, problem="a name is needed here", remedy="write one name, e.g. w")
    name = tokens[0].text
    check_name(tokens[0], text)
    if name in CONSTANTS or name in GRAMMAR_ARITIES:
        kind = "constant" if name in CONSTANTS else "function"
        raise refusal(
            text, column=tokens[0].column, problem=f"{name!r} is a {kind}, not a variable", remedy="use another name"
        )
    return name


def _twice(name: str, text: str, column: int) -> InputError:
    return refusal(text, column=column, problem=f"{name!r} is given twice", remedy="give every name once")


def _count(word: str, text: str, column: int) -> int:
    stripped = word.strip()
    if re.fullmatch(r"[0-9]{1,9}", stripped) and int(stripped) >= 2:
        return int(stripped)
    raise refusal(
        text, column=column, problem=f"the count {shorten(stripped)} is not a whole number from 2", remedy="e.g. 101"
    )


def _below(low: Constant, high: Constant) -> bool:
    """Return whether one constant is certainly below another."""
    if isinstance(low, Fraction) and isinstance(high, Fraction):
        return low < high
    return _end(low, upper=True) < _end(high, upper=False)


def _end(constant: Constant, *, upper: bool) -> Decimal | Fraction:
    if isinstance(constant, Fraction):
        return constant
    around = enclosing_interval(constant)
    if around is None:
        return Decimal(math.inf if upper else -math.inf)
    return around.high if upper else around.low
