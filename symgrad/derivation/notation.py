"""LaTeX as a textbook sets it: x_{k-1} for the state, thin spaces between factors, round brackets of natural size."""

from typing import Any

from sympy import Indexed
from sympy.printing.latex import LatexPrinter


class _Textbook(LatexPrinter):
    def __init__(self) -> None:
        super().__init__({"mul_symbol": r"\,"})
        self._settings["mul_symbol_latex"] = r"\,"

    def _print_Indexed(self, expr: Indexed, exp: str | None = None) -> str:
        indices = ",".join(self._print(i).replace(" ", "") for i in expr.indices)
        base = self._print(expr.base)
        text = f"{base[:-1]},{indices}}}" if base.endswith("}") and "_{" in base else f"{base}_{{{indices}}}"
        return text if exp is None else f"{text}^{{{exp}}}"

    def _print_IndexedBase(self, expr: Any) -> str:
        return str(self._print(expr.label))


def to_latex(expr: Any, *, factor: bool = False) -> str:
    """Return an expression in LaTeX; as a ``factor`` a sum is put in brackets. A matrix is a tuple of rows.

    >>> from sympy import IndexedBase
    >>> from symgrad.symbols import k, w, x
    >>> to_latex(w * (1 - IndexedBase(x)[k - 1] ** 2))
    'w\\\\,(1 - x_{k-1}^{2})'
    """
    if isinstance(expr, tuple):
        rows = r" \\ ".join(" & ".join(to_latex(e) for e in row) for row in expr)
        return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"
    text = str(_Textbook().doprint(expr)).replace(r"\left(", "(").replace(r"\right)", ")")
    text = text.replace(r" \, ", r"\,").replace(r"{(x )}", "(x)")
    return f"({text})" if factor and (expr.is_Add or text.startswith("-")) else text


def joined_latex(factors: list[str]) -> str:
    """Join factors with thin spaces, leaving out factors 1."""
    kept = [f for f in factors if f != "1"] or ["1"]
    return r"\,".join(kept)
