"""Text of expressions: in through the whitelist parser, out so that it parses back to an equal expression."""

from functools import lru_cache
from typing import Any

from sympy import Expr, Symbol
from sympy.printing.str import StrPrinter

from symgrad.errors import InputError
from symgrad.maps.activations import ACTIVATIONS, step
from symgrad.maps.calculus import recognise
from symgrad.parsing import CONSTANTS, GRAMMAR_ARITIES, Name, Node, parse, to_sympy
from symgrad.symbols import real

WRITTEN = frozenset(
    "exp log sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf "
    "Abs sign floor Mod Min Max step".split()
)


def functions() -> dict[str, Any]:
    """Return every function an expression may use beside the built-in grammar: the activations and ``step``."""
    return {name: row.function for name, row in ACTIVATIONS.items()} | {"step": step}


def expression(text: str | Node, domain: str = "real") -> Expr:
    """Read an expression; names become real (or complex) symbols, ``w[k]`` the value of layer k.

    >>> expression("w/(1 + exp(-x)) + 1/3")
    w*sigmoid(x) + 1/3
    """
    node = parse(text) if isinstance(text, str) else text
    return recognise(to_sympy(node, functions=functions(), symbol=real if domain == "real" else Symbol))


@lru_cache(maxsize=4096)
def _reads_as_name(name: str) -> bool:
    try:
        node = parse(name)
    except InputError:
        return False
    return isinstance(node, Name) and node.name == name and name not in CONSTANTS


def checked_name(name: str) -> str:
    """Return the name of a symbol if the texts of symgrad can carry it, or refuse it.

    >>> checked_name("pi")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: 'pi' cannot name a symbol: letters, digits and _, and neither a constant nor a function
    """
    if not _reads_as_name(name) or name in GRAMMAR_ARITIES or name in functions():
        raise InputError(
            f"{name[:60]!r} cannot name a symbol: letters, digits and _, and neither a constant nor a function"
        )
    return name


class _Printer(StrPrinter):
    """SymPy's text with the grammar's names."""

    def _print_Abs(self, expr: Expr) -> str:
        return f"abs({self._print(expr.args[0])})"

    def _print_Function(self, expr: Expr) -> str:
        name = expr.func.__name__
        if name not in WRITTEN and name not in ACTIVATIONS:
            raise InputError(f"{name} has no place in symgrad's expressions; register it as an activation first")
        return str(super()._print_Function(expr))

    def _print_NumberSymbol(self, expr: Expr) -> str:
        raise InputError(f"{expr} has no name in symgrad's expressions; write it as a formula or as a number")

    _print_GoldenRatio = _print_EulerGamma = _print_Catalan = _print_TribonacciConstant = _print_NumberSymbol
    _print_ImaginaryUnit = _print_NumberSymbol

    def _print_Piecewise(self, expr: Expr) -> str:
        raise InputError("Piecewise has no place in symgrad's expressions; use Min, Max, abs, sign or an activation")


def to_text(expr: Expr) -> str:
    """Return the canonical text of an expression, which ``expression`` reads back to an equal one.

    >>> expression(to_text(expression("abs(x)**(1/2)"))) == expression("sqrt(abs(x))")
    True
    """
    return str(_Printer().doprint(expr))
