"""Text to tokens: the alphabet of the grammar, and nothing else."""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from symgrad.errors import InputError
from symgrad.parsing.limits import STANDARD, Limits
from symgrad.parsing.refusals import refusal, shorten


class Kind(Enum):
    """What a token is; the value is the word a message uses."""

    NUMBER = "number"
    NAME = "name"
    OPERATOR = "operator"
    BRACKET = "bracket"
    COMMA = "comma"
    RELATION = "relation"
    SEPARATOR = "separator"


@dataclass(frozen=True)
class Token:
    """One token and the 1-based column where it begins."""

    kind: Kind
    text: str
    column: int


_TOKEN = re.compile(
    r"(?P<BLANK>[ \t\r\n]+)"
    r"|(?P<NUMBER>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<NAME>\w+)"
    r"|(?P<RELATION>==|!=|<=|>=|[=<>])"
    r"|(?P<OPERATOR>\*\*|[-+*/^])"
    r"|(?P<BRACKET>[()\[\]])"
    r"|(?P<COMMA>,)"
    r"|(?P<SEPARATOR>[|;])"
)

_REMEDIES = {
    ".": "attributes are not part of the grammar, and a number needs a digit beside its point",
    "\N{MINUS SIGN}": "write the plain minus sign -",
    "\N{EN DASH}": "write the plain minus sign -",
    "\N{EM DASH}": "write the plain minus sign -",
    "\N{MULTIPLICATION SIGN}": "write * for a product",
    "\N{MIDDLE DOT}": "write * for a product",
    "\N{DOT OPERATOR}": "write * for a product",
    "\N{DIVISION SIGN}": "write / for a quotient",
    "√": "write sqrt(...)",
    "∞": "write oo",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "{": "write ( ) around a part",
    "}": "write ( ) around a part",
    "!": "write != for 'not equal'; factorials are not part of the grammar",
}
_ALPHABET = "use names, numbers, + - * / ** ( ) [k] and commas"

_CYRILLIC = (
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d"
)
_GREEK = "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
_LOOKALIKES = frozenset(_CYRILLIC + _GREEK)


def tokenize(text: str, *, limit: Limits = STANDARD, start: int = 0, stop: int | None = None) -> tuple[Token, ...]:
    """Return the tokens of a text, or of its part from ``start`` to ``stop``; blanks only separate.

    Raises
    ------
    InputError
        When the text is too long, or holds anything outside the alphabet of the grammar.

    Examples
    --------
    >>> [token.text for token in tokenize("w*tanh(x) ^ 2.5e3")]
    ['w', '*', 'tanh', '(', 'x', ')', '^', '2.5e3']
    """
    if len(text) > limit.characters:
        raise InputError(
            f"the text {shorten(text)} has {len(text)} characters; at most {limit.characters} are read: "
            "split it, or name its parts"
        )
    found: list[Token] = []
    position, end = start, len(text) if stop is None else stop
    while position < end:
        match = _TOKEN.match(text, position, end)
        if match is None or match.lastgroup is None:
            raise _unknown_character(text, position)
        if match.lastgroup != "BLANK":
            token = Token(Kind[match.lastgroup], match.group(), position + 1)
            if token.kind is Kind.NAME:
                check_name(token, text, limit=limit)
            found.append(token)
        position = match.end()
    if len(found) > limit.tokens:
        raise refusal(
            text,
            column=found[limit.tokens].column,
            problem=f"the text has {len(found)} numbers, names and signs, more than {limit.tokens}",
            remedy="split it, or name its parts",
        )
    return tuple(found)


def _unknown_character(text: str, position: int) -> InputError:
    character = text[position]
    plain = unicodedata.normalize("NFKC", character)
    remedy = _REMEDIES.get(character, _ALPHABET)
    if plain != character and plain.isascii() and plain.isalnum():
        remedy = f"write plain {plain}"
    if "\udc80" <= character <= "\udcff":
        remedy = "this byte is not UTF-8 text; save the file as UTF-8"
    return refusal(
        text, column=position + 1, problem=f"the character {character!r} is not part of the grammar", remedy=remedy
    )


NOT_NUMBERS = frozenset({"nan", "inf", "infinity"})


def check_name(token: Token, text: str, *, limit: Limits = STANDARD) -> None:
    """Refuse a name that is private, too long, or can be mistaken for another one.

    Examples
    --------
    >>> check_name(Token(Kind.NAME, "__import__", 1), "__import__")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: the name '__import__' begins with '__' (column 1 of '__import__'); use another name
    """
    name = token.text
    problem, remedy = "", "use another name"
    strange = [c for c in name if not (c == "_" or c in "0123456789" or c.isalpha())]
    normal = unicodedata.normalize("NFKC", name)
    if len(name) > limit.name:
        problem, remedy = f"a name has {len(name)} characters", f"use at most {limit.name}"
    elif name.startswith("__"):
        problem = f"the name {name!r} begins with '__'"
    elif name.lower() in NOT_NUMBERS:
        problem, remedy = f"{name!r} is not a finite number", "give a number, or another name"
    elif normal != name:
        raised = any(unicodedata.decomposition(c).startswith("<super>") for c in name)
        problem = f"the name {name!r} is not in normal form"
        remedy = "write ** for a power" if raised else f"write {normal!r}"
    elif strange:
        problem, remedy = f"the name {name!r} holds {strange[0]!r}", "use letters, the digits 0-9 and _"
    elif not name.isascii() and all(c.isascii() or c in _LOOKALIKES for c in name):
        other = next(c for c in name if not c.isascii())
        problem = f"the name {name!r} can be mistaken: {other!r} is {unicodedata.name(other)}"
        remedy = "write the Latin letter, or use another name"
    if problem:
        raise refusal(text, column=token.column, problem=problem, remedy=remedy)
