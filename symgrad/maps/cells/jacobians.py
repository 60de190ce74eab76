"""Jacobians of cells as sums of named products: one product for every path from a new state back to an old one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import BlockMatrix, Expr, Identity, Integer, MatMul, MatrixExpr, MatrixSymbol, Mul, ZeroMatrix

from symgrad.errors import InputError
from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import Complement, Equation, Factor, FactorKind, local_terms
from symgrad.maps.composition import checked_depth


@dataclass(frozen=True)
class Path:
    """One named product of factors.

    Parameters
    ----------
    words : the way it takes, e.g. "through the forget gate"
    factors : from the left (the new state) to the right (the old one)
    """

    words: str
    factors: tuple[Factor, ...]

    def product(self, size: Expr, *, meaning: bool = False) -> MatrixExpr:
        """Return the product of the factors' names, or of what they stand for."""
        values = [(f.kind, f.meaning if meaning else f.name) for f in self.factors]
        number = Mul(*(value for kind, value in values if kind is FactorKind.NUMBER))
        matrices = [value for kind, value in values if kind is not FactorKind.NUMBER]
        matrix = MatMul(*matrices) if len(matrices) > 1 else matrices[0] if matrices else Identity(size)
        return matrix if number == 1 else number * matrix


@dataclass(frozen=True)
class JacobianBlock:
    """∂(a new state vector)/∂(an old one), the sum of its paths.

    Parameters
    ----------
    cell : the layer
    new, old : the two vectors
    paths : the summands
    """

    cell: Cell
    new: MatrixSymbol
    old: MatrixSymbol
    paths: tuple[Path, ...]

    @property
    def expr(self) -> MatrixExpr:
        """The sum of the products of named factors."""
        return self._sum(meaning=False)

    @property
    def written_out(self) -> MatrixExpr:
        """The same with every name replaced by what it stands for."""
        return self._sum(meaning=True)

    @property
    def factors(self) -> Mapping[Expr, Factor]:
        """Name → factor, in order of appearance."""
        return {f.name: f for path in self.paths for f in path.factors}

    def latex(self, *, tied: bool = False) -> str:
        """Return the block in LaTeX, step k."""
        from symgrad.maps.cells.notation import block_latex

        return block_latex(self, tied=tied)

    def _sum(self, *, meaning: bool) -> MatrixExpr:
        size = self.new.shape[0]
        total: MatrixExpr = ZeroMatrix(size, self.old.shape[0])
        for path in self.paths:
            total = total + path.product(size, meaning=meaning)
        return total


@dataclass(frozen=True)
class Jacobian:
    """∂(new state)/∂(state) of a cell, rows = new, in blocks of named factors.

    Examples
    --------
    >>> from symgrad.maps.cells import cell
    >>> for path in cell("lstm").jacobian().block("c", "h").paths:
    ...     print(path.words, [factor.name for factor in path.factors])
    through the forget gate [DiagMatrix(c), D_f, V_f]
    through the input gate [DiagMatrix(g), D_i, V_i]
    through the candidate [DiagMatrix(i), D_g, V_g]
    """

    cell: Cell
    blocks: tuple[tuple[JacobianBlock, ...], ...]

    def block(self, new: str, old: str) -> JacobianBlock:
        """Return the block of the new state ``new`` and the old state ``old``, both by the state's name."""
        rows = [s.name for s in self.cell.state]
        self.cell.vector(new), self.cell.vector(old)
        return self.blocks[rows.index(new)][rows.index(old)]

    @property
    def expr(self) -> MatrixExpr:
        """The matrix: a sum of products, or a block matrix of such sums where the state has several vectors."""
        if len(self.blocks) == 1:
            return self.blocks[0][0].expr
        return BlockMatrix([[b.expr for b in row] for row in self.blocks])

    @cached_property
    def factors(self) -> Mapping[Expr, Factor]:
        """Name → factor, over all blocks."""
        return {name: f for row in self.blocks for b in row for name, f in b.factors.items()}

    def latex(self, *, tied: bool = False) -> str:
        """Return the Jacobian of step k in LaTeX."""
        from symgrad.maps.cells.notation import jacobian_latex

        return jacobian_latex(self, tied=tied)


def jacobian_of(cell: Cell) -> Jacobian:
    """Return the Jacobian of one step."""
    return Jacobian(cell, tuple(tuple(_block(cell, new, old) for old in cell.state) for new in cell.new))


def _block(cell: Cell, new: MatrixSymbol, old: MatrixSymbol) -> JacobianBlock:
    return JacobianBlock(cell, new, old, _told_apart([Path(w, f) for w, f in _walks(cell, new, old)]))


def _walks(cell: Cell, new: MatrixSymbol, old: MatrixSymbol) -> Iterator[tuple[str, tuple[Factor, ...]]]:
    """Yield words and factors of every path from ``new`` back to ``old``."""
    start = cell.defining(new)
    assert start is not None
    for passed, factors in _back(cell, start, old):
        yield _words(cell, passed, factors), factors


def _back(cell: Cell, start: Equation, old: MatrixSymbol) -> Iterator[tuple[tuple[str, ...], tuple[Factor, ...]]]:
    """Yield (words of the equations passed after ``start``, factors) of every path to ``old``."""
    for term in local_terms(start):
        if term.argument == old:
            yield (), term.factors
        elif (earlier := cell.defining(term.argument)) is not None:
            own = (earlier.words,) if earlier.words else ()
            for passed, factors in _back(cell, earlier, old):
                yield own + passed, term.factors + factors


def _words(cell: Cell, passed: tuple[str, ...], factors: tuple[Factor, ...]) -> str:
    """Name a path by the equations it passes, or by what carries the state across."""
    if passed:
        return "through the " + " and the ".join(passed)
    if any(f.kind is FactorKind.WEIGHT for f in factors):
        return "through the activation"
    carriers = [_carrier(cell, f) for f in factors if f.kind in (FactorKind.DIAGONAL, FactorKind.NUMBER)]
    return "carried by " + " and ".join(carriers) if carriers else "carried unchanged"


def _carrier(cell: Cell, factor: Factor) -> str:
    vector = factor.operand.vector if isinstance(factor.operand, Complement) else factor.operand
    step = cell.defining(vector) if isinstance(vector, MatrixSymbol) else None
    name = f"the {step.words}" if step is not None and step.words else f"{vector}"
    return f"1 - {name}" if isinstance(factor.operand, Complement) else name


def _told_apart(paths: list[Path]) -> tuple[Path, ...]:
    """Add to paths of equal words the vector on the first diagonal."""
    words = [p.words for p in paths]
    return tuple(
        replace(p, words=f"{p.words}, times {_first_vector(p)}") if words.count(p.words) > 1 else p for p in paths
    )


def _first_vector(path: Path) -> str:
    sign = "-" if any(f.kind is FactorKind.NUMBER and f.name == -1 for f in path.factors) else ""
    return sign + next(str(f.operand) for f in path.factors if f.kind is FactorKind.DIAGONAL)


def carried(cell: Cell, name: str) -> JacobianBlock:
    """Return the total ∂v_k/∂v_{k-1} of one state vector, also by way of the states that are read out of it.

    In an LSTM the cell state c_{k-1} reaches c_k through the forget gate, and through every gate by way of the output
    h_{k-1} = o_{k-1} ⊙ tanh(c_{k-1}); the factors of that detour are those of step k - 1.

    >>> from symgrad.maps.cells import cell
    >>> for path in carried(cell("lstm"), "c").paths:
    ...     print(path.words, [factor.name for factor in path.factors])
    carried by the forget gate [DiagMatrix(f)]
    through the forget gate, by way of h [DiagMatrix(c), D_f, V_f, DiagMatrix(o), D_c]
    through the input gate, by way of h [DiagMatrix(g), D_i, V_i, DiagMatrix(o), D_c]
    through the candidate, by way of h [DiagMatrix(i), D_g, V_g, DiagMatrix(o), D_c]
    """
    old = cell.vector(name)
    new = cell.new[cell.state.index(old)]
    paths = [Path(words, factors) for words, factors in _walks(cell, new, old)]
    for other, new_other in zip(cell.state, cell.new, strict=True):
        if other != old:
            paths += _detours(cell, new, other, new_other)
    return JacobianBlock(cell, new, old, _told_apart(paths))


def _detours(cell: Cell, new: MatrixSymbol, other: MatrixSymbol, new_other: MatrixSymbol) -> Iterator[Path]:
    """Yield the paths new ← other ← the previous value of new."""
    for words, later in _walks(cell, new, other):
        for _, earlier in _walks(cell, new_other, new):
            yield Path(f"{words}, by way of {other.name}", later + tuple(replace(f, lag=1) for f in earlier))


@dataclass(frozen=True)
class DepthJacobian:
    """∂(state after the last layer)/∂(state before the first): an ordered product, the last layer on the left.

    Parameters
    ----------
    cell : the layer
    depth : the number of layers, an integer or a symbol
    tied : whether all layers share their weights

    Examples
    --------
    >>> from symgrad.maps.cells import cell
    >>> from symgrad.symbols import n
    >>> cell("dense").depth_jacobian(2).expr
    D_2*W_2*D_1*W_1
    >>> cell("preactivation").depth_jacobian(2, tied=True).expr
    W*D_2*W*D_1
    >>> print(cell("dense").depth_jacobian(n).latex())
    \\overset{\\curvearrowleft}{\\prod_{k=1}^{n}} D_{k}\\,W_{k}
    """

    cell: Cell
    depth: Expr
    tied: bool

    def layer(self, k: int) -> MatrixExpr:
        """Return the Jacobian of layer k = 1, 2, … in its own symbols."""
        return self.cell.jacobian().expr.xreplace(layer_symbols(self.cell, k, tied=self.tied))

    @property
    def expr(self) -> MatrixExpr:
        """The product of the layers' Jacobians, for a literal depth."""
        if not isinstance(self.depth, Integer):
            raise InputError(f"the product needs a number of layers, got {self.depth}; give e.g. 3, or use .latex()")
        layers = [self.layer(k) for k in range(int(self.depth), 0, -1)]
        return layers[0] if len(layers) == 1 else MatMul(*layers).doit(deep=False)

    def latex(self) -> str:
        """Return the product in LaTeX; the arrow says that later layers stand on the left."""
        from symgrad.maps.cells.notation import depth_latex

        return depth_latex(self)


def depth_jacobian(cell: Cell, depth: int | Expr, *, tied: bool = False) -> DepthJacobian:
    """Return the ordered product of the Jacobians of ``depth`` layers."""
    return DepthJacobian(cell, checked_depth(depth), tied)


def layer_symbols(cell: Cell, k: int, *, tied: bool) -> dict[Expr, Expr]:
    """Return symbol → the symbol of layer k; a state that enters layer k is that of k - 1."""
    numbered = [s.symbol for s in cell.steps] + [f.name for f in cell.jacobian().factors.values() if _made(f)]
    numbered += [] if tied else list(cell.parameters)
    found: dict[Expr, Expr] = {s: MatrixSymbol(f"{s.name}_{k}", *s.shape) for s in numbered}
    return found | {s: MatrixSymbol(f"{s.name}_{k - 1}", *s.shape) for s in cell.state}


def _made(factor: Factor) -> bool:
    return factor.kind in (FactorKind.SLOPE, FactorKind.NORMALISER)
