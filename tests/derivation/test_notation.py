"""LaTeX that a textbook could print."""

import pytest
import sympy
from sympy import IndexedBase

from symgrad.derivation import to_latex
from symgrad.derivation.notation import joined_latex
from symgrad.maps import expression, layer_value
from symgrad.symbols import k, n, w, x

X = IndexedBase(x)


@pytest.mark.parametrize(
    ("expr", "latex"),
    [
        (w * (1 - X[k - 1] ** 2), r"w\,(1 - x_{k-1}^{2})"),
        (layer_value("w") * X[k], r"w_{k}\,x_{k}"),
        (X[2 * n + k - 1], r"x_{k+2\,n-1}"),
        (IndexedBase(sympy.Symbol("w_1", real=True))[k], r"w_{1,k}"),
        (expression("sigmoid(w*x)**2"), r"\sigma^{2}(w\,x)"),
        (expression("tanh(x)*relu(x)"), r"\tanh(x)\,\operatorname{relu}(x)"),
        (expression("step(x)*abs(x)"), r"|{x}|\,\mathbf{1}[x>0]"),
        (((w, sympy.Integer(1)), (x, sympy.Integer(0))), r"\begin{pmatrix} w & 1 \\ x & 0 \end{pmatrix}"),
    ],
)
def test_expressions(expr: object, latex: str) -> None:
    assert to_latex(expr).replace(r"\left|", "|").replace(r"\right|", "|") == latex


def test_factors_are_bracketed_where_needed_and_ones_left_out() -> None:
    assert to_latex(w + 1, factor=True) == "(w + 1)"
    assert to_latex(w * x, factor=True) == r"w\,x"
    assert joined_latex(["1", "w", "1", "(x + 1)"]) == r"w\,(x + 1)"
    assert joined_latex(["1", "1"]) == "1"
