"""Tree to canonical text, which reads back as an equal tree."""

from fractions import Fraction

from symgrad.parsing.tree import Call, Indexed, Name, Negative, Node, Number, Power, Product, Reciprocal, Sum

_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)
_PLAIN_DIGITS = 21
_PLAIN_DECIMALS = 200


def unparse(node: Node) -> str:
    """Return the canonical text of a tree; ``parse(unparse(tree)) == tree`` for every tree that ``parse`` returns.

    Examples
    --------
    >>> from symgrad.parsing.reading import parse
    >>> unparse(parse("  (w)*tanh( x )^2-(1e-1 )/ n"))
    'w*tanh(x)**2 - 0.1/n'
    """
    return _text(node, _SUM)


def _text(node: Node, level: int) -> str:
    """Return the text of a node, in brackets where its place binds tighter than it does."""
    text, own = _parts(node)
    return text if own >= level else f"({text})"


def _parts(node: Node) -> tuple[str, int]:
    match node:
        case Number(value):
            return _number(value)
        case Name(name):
            return name, _ATOM
        case Indexed(name, index):
            return f"{name}[{_text(index, _SUM)}]", _ATOM
        case Negative(operand):
            return "-" + _text(operand, _SIGN), _SIGN
        case Reciprocal(operand):
            return "1/" + _text(operand, _SIGN), _PRODUCT
        case Sum(terms):
            return _text(terms[0], _PRODUCT) + "".join(_term(term) for term in terms[1:]), _SUM
        case Product(factors):
            return _text(factors[0], _SIGN) + "".join(_factor(factor) for factor in factors[1:]), _PRODUCT
        case Power(base, exponent):
            return f"{_text(base, _ATOM)}**{_text(exponent, _SIGN)}", _POWER
        case Call(function, arguments):
            return f"{function}({', '.join(_text(argument, _SUM) for argument in arguments)})", _ATOM


def _term(term: Node) -> str:
    if isinstance(term, Negative):
        return " - " + _text(term.operand, _PRODUCT)
    return " + " + _text(term, _PRODUCT)


def _factor(factor: Node) -> str:
    if isinstance(factor, Reciprocal):
        return "/" + _text(factor.operand, _SIGN)
    return "*" + _text(factor, _SIGN)


def _number(value: Fraction) -> tuple[str, int]:
    """Return a decimal where there is one, else a quotient; both exact."""
    if value < 0:
        text, level = _number(-value)
        return ("-" + text, _SIGN) if level >= _SIGN else (f"-({text})", _SIGN)
    shift = _decimal_places(value.denominator)
    if shift is None:
        return f"{value.numerator}/{value.denominator}", _PRODUCT
    return _decimal(value.numerator * 10**shift // value.denominator, shift), _ATOM


def _decimal_places(denominator: int) -> int | None:
    """Return how many decimals 1/denominator has, or None when they never end."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def _decimal(digits: int, shift: int) -> str:
    """Return digits * 10**-shift in decimals, with an exponent where plain digits would be long."""
    written = str(digits)
    stripped = written.rstrip("0") or "0"
    leading = len(written) - 1 - shift
    if digits == 0 or (shift == 0 and len(written) <= _PLAIN_DIGITS):
        return written
    if -5 < leading < _PLAIN_DIGITS and 0 < shift < _PLAIN_DECIMALS:
        padded = written.rjust(shift + 1, "0")
        return f"{padded[:-shift]}.{padded[-shift:]}"
    fraction = f".{stripped[1:]}" if len(stripped) > 1 else ""
    return f"{stripped[0]}{fraction}e{leading}"
