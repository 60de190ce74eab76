"""A Cell: one step of a layer of any width, as equations between named vectors and weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import sympy
from sympy import Expr, MatrixSymbol, Symbol

from symgrad.errors import InputError
from symgrad.maps.cells.equations import Complement, Equation, Sum
from symgrad.maps.map import Map

if TYPE_CHECKING:
    from symgrad.maps.cells.jacobians import DepthJacobian, Jacobian, JacobianBlock


@dataclass(frozen=True, repr=False)
class Cell:
    """One step (state, input) ↦ new state of a layer of any width.

    Parameters
    ----------
    name : its name in ``CELLS``
    width : the number of units, an integer or a symbol
    state : the vectors that enter, shape (width, 1) each
    new : the vectors that leave, one for each of ``state``; defined by ``steps``
    steps : the equations, in an order in which each uses only what was defined before
    inputs : the vectors that enter from outside in every step

    Examples
    --------
    >>> from symgrad.maps.cells import cell
    >>> layer = cell("dense", width=3)
    >>> layer.parameters
    (W, b)
    >>> layer.shapes["W"]
    (3, 3)
    >>> layer.jacobian().expr
    D*W
    >>> cell("dense").map()
    Map('x -> tanh(b + w*x)')
    """

    name: str
    width: Expr
    state: tuple[MatrixSymbol, ...]
    new: tuple[MatrixSymbol, ...]
    steps: tuple[Equation, ...] = field(hash=False)
    inputs: tuple[MatrixSymbol, ...] = ()

    @cached_property
    def parameters(self) -> tuple[MatrixSymbol, ...]:
        """The weights and biases, in order of appearance."""
        defined = {s.symbol for s in self.steps} | set(self.state) | set(self.inputs)
        return tuple(dict.fromkeys(m for step in self.steps for m in step.used if m not in defined))

    @cached_property
    def weights(self) -> tuple[MatrixSymbol, ...]:
        """The parameters that multiply a vector as a matrix."""
        used = {s.matrix for step in self.steps if isinstance(step.right, Sum) for s in step.right.summands}
        return tuple(p for p in self.parameters if p in used)

    @cached_property
    def gains(self) -> tuple[MatrixSymbol, ...]:
        """The parameters that multiply a vector component by component."""
        groups = [s.vectors for step in self.steps if isinstance(step.right, Sum) for s in step.right.summands]
        used = {v for group in groups if len(group) > 1 for v in group if not isinstance(v, Complement)}
        return tuple(p for p in self.parameters if p in used)

    @property
    def biases(self) -> tuple[MatrixSymbol, ...]:
        """The parameters that are added."""
        return tuple(p for p in self.parameters if p not in {*self.weights, *self.gains})

    @cached_property
    def numbers(self) -> tuple[Symbol, ...]:
        """The parameters that are single numbers, such as a branch's scale, sorted by name."""
        found = {s for step in self.steps for e in step.numbers for s in e.free_symbols}
        return tuple(sorted(found - self.width.free_symbols, key=lambda s: s.name))

    @property
    def shapes(self) -> Mapping[str, tuple[Expr, Expr]]:
        """Name → (rows, columns) of every parameter that is a matrix or vector."""
        return {p.name: p.shape for p in self.parameters}

    def equations(self) -> tuple[sympy.Eq, ...]:
        """Return the step as SymPy equations between matrix expressions, in order of evaluation."""
        return tuple(sympy.Eq(s.symbol, s.expr, evaluate=False) for s in self.steps)

    def defining(self, symbol: MatrixSymbol) -> Equation | None:
        """Return the equation that defines a vector, or None where it enters from outside."""
        return next((s for s in self.steps if s.symbol == symbol), None)

    def vector(self, name: str) -> MatrixSymbol:
        """Return the state vector of that name."""
        for symbol in self.state:
            if symbol.name == name:
                return symbol
        known = ", ".join(s.name for s in self.state)
        raise InputError(f"the {self.name} cell has no state {name!r}; it has {known}")

    def jacobian(self) -> "Jacobian":
        """Return ∂(new state)/∂(state) as named factors, rows = new."""
        from symgrad.maps.cells.jacobians import jacobian_of  # the Jacobian carries its cell

        return jacobian_of(self)

    def depth_jacobian(self, depth: int | Expr, *, tied: bool = False) -> "DepthJacobian":
        """Return the Jacobian of ``depth`` layers as an ordered product; untied weights are numbered."""
        from symgrad.maps.cells.jacobians import depth_jacobian

        return depth_jacobian(self, depth, tied=tied)

    def carried(self, name: str) -> "JacobianBlock":
        """Return the total ∂v_k/∂v_{k-1} of one state vector, also through the states that are read out of it."""
        from symgrad.maps.cells.jacobians import carried

        return carried(self, name)

    def map(self, width: int = 1) -> Map:
        """Return the step in scalars: a Map whose state has ``width`` components for each state vector.

        Parameters take the lower-case name of their weight (``w_f``; wider than 1, ``w_f12`` for row 1, column 2),
        inputs are values per step: ``u[k]``.

        >>> from symgrad.maps.cells import cell
        >>> cell("rnn").map()
        Map('h -> tanh(b + h*v + w*u[k])')
        """
        from symgrad.maps.cells.scalars import map_of

        return map_of(self, width)

    def latex(self, *, tied: bool = False) -> str:
        """Return the equations in LaTeX, layer or step k, one line each."""
        from symgrad.maps.cells.notation import equations_latex

        return equations_latex(self, tied=tied)

    def __repr__(self) -> str:
        return f"Cell({self.name!r}, width={self.width})"
