"""LaTeX of cells: vectors of step k, weights of layer k where they are untied, factor by factor."""

from sympy import Expr, Integer, MatrixSymbol
from sympy.printing.latex import latex

from symgrad.maps.activations import ACTIVATIONS
from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import (
    Complement,
    Elementwise,
    Equation,
    Factor,
    FactorKind,
    Normalised,
    Sum,
    Summand,
    Weighing,
)
from symgrad.maps.cells.jacobians import DepthJacobian, Jacobian, JacobianBlock, Path

ARROW = r"\overset{\curvearrowleft}{\prod_{k=1}^{%s}} %s"


def _indexed(name: str, index: str) -> str:
    """Return W_f with index k as W_{f,k}."""
    base, *rest = name.split("_")
    inner = [part for part in (*rest, index) if part]
    return rf"{base}_{{{','.join(inner)}}}" if inner else base


def _step(lag: int) -> str:
    return "k" if lag == 0 else f"k-{lag}"


def symbol_latex(symbol: MatrixSymbol, cell: Cell, *, tied: bool, lag: int = 0) -> str:
    """Return a vector or weight with its index: k for what the step makes, k - 1 for what enters it.

    >>> from symgrad.maps.cells import cell
    >>> layer = cell("dense")
    >>> [symbol_latex(s, layer, tied=False) for s in (*layer.state, *layer.new, *layer.parameters)]
    ['x_{k-1}', 'x_{k}', 'W_{k}', 'b_{k}']
    """
    if symbol in cell.new:
        return _indexed(cell.state[cell.new.index(symbol)].name, _step(lag))
    if symbol in cell.state:
        return _indexed(symbol.name, _step(lag + 1))
    if symbol in cell.parameters and tied:
        return _indexed(symbol.name, "")
    return _indexed(symbol.name, _step(lag))


def equations_latex(cell: Cell, *, tied: bool) -> str:
    """Return the equations of step k, one line each."""
    lines = [f"{symbol_latex(s.symbol, cell, tied=tied)} &= {_right_latex(s, cell, tied=tied)}" for s in cell.steps]
    return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"


def _right_latex(step: Equation, cell: Cell, *, tied: bool) -> str:
    match step.right:
        case Sum(summands):
            parts = [_summand_latex(s, cell, tied=tied) for s in summands]
            return " + ".join(parts).replace("+ -", "- ")
        case Elementwise(activation, argument):
            return rf"{ACTIVATIONS[activation].latex}({symbol_latex(argument, cell, tied=tied)})"
        case Normalised(argument, epsilon):
            v = symbol_latex(argument, cell, tied=tied)
            inside = v if epsilon == 0 else rf"{v}) + {latex(epsilon)}"
            end = ")" if epsilon == 0 else ""
            return rf"\frac{{{v} - \operatorname{{mean}}({v})}}{{\sqrt{{\operatorname{{var}}({inside}{end}}}}}"


def _number_latex(value: Expr) -> str:
    text = str(latex(value))
    return rf"({text})" if value.is_Add else text


def _weighing_latex(weighing: Weighing, cell: Cell, *, tied: bool, lag: int = 0) -> str:
    if isinstance(weighing, Complement):
        return f"1 - {symbol_latex(weighing.vector, cell, tied=tied, lag=lag)}"
    return symbol_latex(weighing, cell, tied=tied, lag=lag)


def _summand_latex(summand: Summand, cell: Cell, *, tied: bool) -> str:
    vectors = [
        f"({text})" if isinstance(v, Complement) else text
        for v in summand.vectors
        for text in (_weighing_latex(v, cell, tied=tied),)
    ] or [r"\mathbf{1}"]
    product = r" \odot ".join(vectors)
    if summand.matrix is not None:
        product = rf"({product})" if len(vectors) > 1 else product
        product = rf"{symbol_latex(summand.matrix, cell, tied=tied)}\,{product}"
    if summand.coefficient == 1:
        return product
    return rf"-{product}" if summand.coefficient == -1 else rf"{_number_latex(summand.coefficient)}\,{product}"


def factor_latex(factor: Factor, cell: Cell, *, tied: bool) -> str:
    """Return the name of a factor with its index."""
    match factor.kind:
        case FactorKind.NUMBER:
            return _number_latex(factor.name)
        case FactorKind.WEIGHT:
            return symbol_latex(factor.name, cell, tied=tied, lag=factor.lag)
        case FactorKind.DIAGONAL:
            inner = _weighing_latex(factor.operand, cell, tied=tied, lag=factor.lag)
            return rf"\operatorname{{diag}}({inner})"
        case _:
            return _indexed(factor.name.name, _step(factor.lag))


def _path_latex(path: Path, cell: Cell, *, tied: bool) -> str:
    numbers = [f for f in path.factors if f.kind is FactorKind.NUMBER]
    matrices = [f for f in path.factors if f.kind is not FactorKind.NUMBER]
    value = Integer(1)
    for factor in numbers:
        value *= factor.name
    parts = [factor_latex(f, cell, tied=tied) for f in matrices] or ["I"]
    text = r"\,".join(parts)
    if value == 1:
        return text
    return f"-{text}" if value == -1 else rf"{_number_latex(value)}\,{text}"


def block_latex(block: JacobianBlock, *, tied: bool) -> str:
    """Return the sum of the paths of one block."""
    return " + ".join(_path_latex(p, block.cell, tied=tied) for p in block.paths).replace("+ -", "- ") or "0"


def jacobian_latex(jacobian: Jacobian, *, tied: bool) -> str:
    """Return the matrix, a block matrix where the state has several vectors, and after it what its names mean."""
    rows = [[block_latex(b, tied=tied) for b in row] for row in jacobian.blocks]
    if len(rows) == 1:
        return rows[0][0]
    return r"\begin{pmatrix} " + r" \\ ".join(" & ".join(row) for row in rows) + r" \end{pmatrix}"


def meanings_latex(jacobian: Jacobian, *, tied: bool) -> str:
    """Return what the slopes and normalisers of a Jacobian stand for, separated by commas.

    >>> from symgrad.maps.cells import cell
    >>> print(meanings_latex(cell("dense").jacobian(), tied=True))
    D_{k} = \\operatorname{diag}(\\tanh'(z_{k}))
    """
    cell = jacobian.cell
    texts = [_meaning_latex(f, cell, tied=tied) for f in jacobian.factors.values()]
    return r",\quad ".join(text for text in texts if text)


def _meaning_latex(factor: Factor, cell: Cell, *, tied: bool) -> str:
    match factor.operand:
        case Elementwise(activation, argument):
            inner = rf"{ACTIVATIONS[activation].latex}'({symbol_latex(argument, cell, tied=tied)})"
            return rf"{factor_latex(factor, cell, tied=tied)} = \operatorname{{diag}}({inner})"
        case (Normalised(), hat):
            v, size = symbol_latex(hat, cell, tied=tied), latex(cell.width)
            flat = rf"I - \frac{{1}}{{{size}}}\mathbf{{1}}\mathbf{{1}}^\top - \frac{{1}}{{{size}}}{v}{v}^\top"
            return rf"{factor_latex(factor, cell, tied=tied)} = \frac{{1}}{{\sigma_k}}\left({flat}\right)"
        case _:
            return ""


def depth_latex(product: DepthJacobian) -> str:
    """Return the ordered product over the layers."""
    text = jacobian_latex(product.cell.jacobian(), tied=product.tied)
    single = len(product.cell.state) == 1 and len(product.cell.jacobian().blocks[0][0].paths) == 1
    return ARROW % (latex(product.depth), text if single or text.startswith(r"\begin") else rf"\left({text}\right)")
