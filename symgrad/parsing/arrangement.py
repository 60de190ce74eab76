"""Which token may follow which: brackets that close, operators with their operands, nesting within bounds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from symgrad.errors import InputError
from symgrad.parsing.limits import STANDARD, Limits
from symgrad.parsing.refusals import refusal
from symgrad.parsing.tokens import Kind, Token

_CLOSING = {"(": ")", "[": "]"}
_PLACES = {
    Kind.RELATION: "a relation such as = or < does not belong inside an expression",
    Kind.SEPARATOR: "'|' separates layers and ';' components; neither belongs inside an expression",
}


@dataclass
class _Level:
    """An open bracket (none for the whole text) and the chain of signs and powers being read in it."""

    bracket: Token | None = None
    is_call: bool = False
    signs: int = 0
    powers: int = 0


def check_arrangement(tokens: Sequence[Token], text: str, *, column: int = 1, limit: Limits = STANDARD) -> None:
    """Refuse tokens that do not make one expression, at the column where it goes wrong.

    Parameters
    ----------
    tokens : the tokens of one expression
    text : the whole text, for the message
    column : where an empty expression is missing

    Examples
    --------
    >>> from symgrad.parsing.tokens import tokenize
    >>> check_arrangement(tokenize("2x"), "2x")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: '2' and 'x' stand side by side (column 2 of '2x'); write an operator, e.g. 2*x
    """
    levels = [_Level()]
    previous: Token | None = None
    needs_operand = True
    for token in tokens:
        if needs_operand:
            needs_operand = _read_operand(token, levels, text, limit)
        else:
            needs_operand = _read_operator(token, previous, levels, text, limit)
        previous = token
    if not tokens:
        raise refusal(text, column=column, problem="an expression is missing", remedy="write one, e.g. tanh(w*x + b)")
    if needs_operand and previous is not None:
        raise refusal(
            text,
            column=previous.column,
            problem=f"something is missing after {previous.text!r}",
            remedy="write a number, a name or an expression in brackets",
        )
    bracket = levels[-1].bracket
    if bracket is not None:
        raise refusal(
            text,
            column=bracket.column,
            problem=f"{bracket.text!r} is never closed",
            remedy=f"add {_CLOSING[bracket.text]!r} where its content ends",
        )


def _read_operand(token: Token, levels: list[_Level], text: str, limit: Limits) -> bool:
    """Take a token where an operand is needed; return whether one is still needed."""
    level = levels[-1]
    if token.kind in (Kind.NUMBER, Kind.NAME):
        return False
    if token.text in ("+", "-"):
        level.signs += 1
        if level.signs > limit.signs:
            raise refusal(
                text,
                column=token.column,
                problem=f"more than {limit.signs} prefix signs in a row",
                remedy="write one sign or none",
            )
        _check_depth(token, levels, text, limit)
        return True
    if token.text == "(":
        _open(token, levels, text, limit, is_call=False)
        return True
    if token.text == "[":
        raise refusal(
            text,
            column=token.column,
            problem="'[' needs a name directly before it",
            remedy="write name[k] for the value of layer k, ( ) around a part",
        )
    if token.kind in _PLACES:
        raise _misplaced(token, text)
    if token.text in (")", "]") and level.bracket is None:
        raise _never_opened(token, text)
    raise refusal(
        text,
        column=token.column,
        problem=f"something is missing before {token.text!r}",
        remedy="write a number, a name or an expression in brackets",
    )


def _read_operator(token: Token, previous: Token | None, levels: list[_Level], text: str, limit: Limits) -> bool:
    """Take a token where an operand has just ended; return whether another one is needed."""
    level = levels[-1]
    after_name = previous is not None and previous.kind is Kind.NAME
    if token.text in ("**", "^"):
        level.powers += 1
        if level.powers > limit.powers:
            raise refusal(
                text,
                column=token.column,
                problem=f"more than {limit.powers} powers in a row",
                remedy="use brackets and fewer powers",
            )
        _check_depth(token, levels, text, limit)
        return True
    if token.kind is Kind.OPERATOR:
        level.signs = level.powers = 0
        return True
    if token.text in ("(", "[") and after_name:
        _open(token, levels, text, limit, is_call=token.text == "(")
        return True
    if token.text in (")", "]"):
        _close(token, levels, text)
        return False
    if token.kind is Kind.COMMA and level.is_call:
        level.signs = level.powers = 0
        return True
    if token.kind is Kind.COMMA:
        raise refusal(
            text,
            column=token.column,
            problem="',' stands outside the arguments of a function",
            remedy="write a decimal number with a point",
        )
    if token.kind in _PLACES:
        raise _misplaced(token, text)
    raise _side_by_side(token, previous, text)


def _side_by_side(token: Token, previous: Token | None, text: str) -> InputError:
    left = previous.text if previous is not None else ""
    if previous is not None and previous.kind is Kind.NUMBER and re.match("_[0-9]|x[0-9a-fA-F]", token.text):
        return refusal(
            text,
            column=token.column,
            problem=f"{left[:20]!r} is followed by {token.text[:20]!r}",
            remedy="write numbers with the digits 0-9 only, and * between factors",
        )
    example = f", e.g. {left}*{token.text}" if token.kind in (Kind.NUMBER, Kind.NAME) and len(left) < 20 else ""
    return refusal(
        text,
        column=token.column,
        problem=f"{left[:20]!r} and {token.text[:20]!r} stand side by side",
        remedy=f"write an operator{example[:40]}",
    )


def _misplaced(token: Token, text: str) -> InputError:
    return refusal(text, column=token.column, problem=f"{token.text!r} is out of place", remedy=_PLACES[token.kind])


def _never_opened(token: Token, text: str) -> InputError:
    return refusal(
        text,
        column=token.column,
        problem=f"{token.text!r} closes nothing",
        remedy="remove it, or open its bracket before it",
    )


def _open(token: Token, levels: list[_Level], text: str, limit: Limits, *, is_call: bool) -> None:
    levels.append(_Level(token, is_call))
    if len(levels) - 1 > limit.nesting:
        raise refusal(
            text,
            column=token.column,
            problem=f"brackets are nested more than {limit.nesting} deep",
            remedy="name an inner part, or compose layers with |",
        )
    _check_depth(token, levels, text, limit)


def _close(token: Token, levels: list[_Level], text: str) -> None:
    bracket = levels[-1].bracket
    if bracket is None:
        raise _never_opened(token, text)
    needed = _CLOSING[bracket.text]
    if token.text != needed:
        raise refusal(
            text,
            column=token.column,
            problem=f"{token.text!r} cannot close the {bracket.text!r} of column {bracket.column}",
            remedy=f"write {needed!r}",
        )
    levels.pop()


def _check_depth(token: Token, levels: list[_Level], text: str, limit: Limits) -> None:
    if sum(level.signs + level.powers + 1 for level in levels) - 1 > limit.depth:
        raise refusal(
            text,
            column=token.column,
            problem=f"brackets, signs and powers are nested more than {limit.depth} deep",
            remedy="name an inner part, or compose layers with |",
        )
