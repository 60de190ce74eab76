"""``symgrad product``: what becomes of a product of given factors as their number grows."""

import argparse
import math
import re
from typing import TYPE_CHECKING

from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command, Operand, Option
from symgrad.errors import InputError

if TYPE_CHECKING:
    from sympy import Expr

    from symgrad.derivation import ProductLimit

UNDECIDED = 3


def _name(text: str) -> str:
    """Read one name, which may not be a constant of the grammar."""
    name = text.strip()
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in ("pi", "E", "oo"):
        raise InputError(
            f"got {text!r}, a name of letters, digits and _ is needed, e.g. k for the index, n for the depth"
        )
    return name


def _whole(text: str) -> int:
    """Read a whole number of either sign."""
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", text):
        raise InputError(f"got {text!r}, the first index is a whole number, e.g. 1")
    return int(text)


INDEX = Option("--index", "k", "the name of the index", _name)
FROM = Option("--from", "K0", "the first value of the index (default 1)", _whole, 1)
DEPTH = Option("--depth", "n", "the name of the number of factors, where they contain it", _name)


def product(arguments: argparse.Namespace) -> Answer:
    """Answer with the regime, the limit, and the reason."""
    if arguments.index is None:
        raise InputError("product needs the name of the index; give e.g. --index k")
    (text,) = arguments.operands

    from symgrad.budget import COMMAND_SECONDS, prepare, shared_time

    seconds = arguments.budget or COMMAND_SECONDS
    start = getattr(arguments, "from")
    with shared_time(seconds):
        prepare()  # the child imports SymPy while this process does

        from symgrad.derivation import Regime, product_limit

        found = product_limit(text, index=arguments.index, start=start, depth=arguments.depth, seconds=seconds)
    code = UNDECIDED if found.regime is Regime.UNDECIDED else 0
    return Answer(_content(found), code)


def _content(found: "ProductLimit") -> dict[str, object]:
    return {
        "status": _sentence(found),
        "regime": found.regime.word,
        "limit": None if found.limit is None else _text(found.limit),
        "limit_value": found.limit_value,
        "rate": None if found.rate is None else _float(found.rate),
        "pace": found.pace,
        "sign": None if found.sign is None else found.sign.word,
        "verdict": found.verdict.word,
        "reason": found.reason,
    }


def _sentence(found: "ProductLimit") -> str:
    word, _, meaning = found.regime.value.partition(": ")
    if found.verdict.word == "undecided":
        return f"Undecided: {found.reason}."
    limit = "" if found.limit is None or found.limit == 0 else f", {_text(found.limit)}"
    return f"{word.capitalize()}: {meaning}{limit}; {found.verdict.value}."


def _text(expr: "Expr") -> str:
    """Return a limit as text; Gamma, polygamma and zeta values have SymPy's names."""
    return str(expr)


def _float(expr: "Expr") -> float | None:
    value = float(expr.evalf(20)) if not expr.free_symbols else math.nan
    return value if math.isfinite(value) else None


COMMAND = Command(
    name="product",
    summary="decide what becomes of an infinite product of given factors",
    options=(INDEX, FROM, DEPTH),
    run=product,
    operand=Operand("EXPR", 'the factor, e.g. "1 + 1/k**2"'),
    example='symgrad product "1 - 1/(k+1)**2" --index k',
)
