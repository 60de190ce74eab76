"""One step of a layer, or the loss, as flat lists of expressions in generated names, ready for any backend.

Activations become *opaque* functions φ_0, φ_1, φ_2 (value, first, second derivative), so that a backend can compute
each by a form without cancellation; names of the user's parameters never reach generated code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import sympy
from sympy import Expr, Function, Integer, Symbol

from symgrad.derivation import Gradient
from symgrad.kernels.stable import STABLE
from symgrad.maps import ACTIVATIONS, Map, differentiate, expand_activations

Formula = Callable[[Expr], Expr]
PLAIN = frozenset({"identity", "exp", "sin"})
EXACT_ZEROS = frozenset({"phi_relu_1", "phi_leaky_relu_1", "step", "sign"})


@cache
def opaque(name: str, order: int) -> Any:
    """Return the function class that stands for the derivative of that order of an activation."""

    def fdiff(self: Any, argindex: int = 1) -> Expr:
        vanishes = exact_form(name, order + 1).is_zero
        return Integer(0) if vanishes else opaque(name, order + 1)(self.args[0])

    members = {"nargs": 1, "fdiff": fdiff, "activation": name, "order": order, "_eval_is_real": lambda self: True}
    return type(f"phi_{name}_{order}", (Function,), members)


def hide_activations(expr: Expr) -> Expr:
    """Replace every activation by its opaque function."""
    for name, row in ACTIVATIONS.items():
        if name not in PLAIN and expr.has(row.function):
            expr = expr.replace(row.function, opaque(name, 0))
    return expr


def exact_form(name: str, order: int) -> Expr:
    """Return a derivative of an activation as an expression in the real symbol x, free of cancellation if tabulated."""
    return _exact_form(name, order, ACTIVATIONS[name].formula)


@cache
def _exact_form(name: str, order: int, formula: Formula) -> Expr:
    x = Symbol("x", real=True)
    if name in STABLE and order < len(STABLE[name].exact):
        return STABLE[name].exact[order]
    if order == 0:
        return expand_activations(formula(x))
    if name in STABLE or order > 1:
        return differentiate(exact_form(name, order - 1), x)
    return expand_activations(differentiate(ACTIVATIONS[name].function(x), x))


def opaque_calls(exprs: Sequence[Expr]) -> list[Any]:
    """Return the opaque function classes that occur, sorted by name."""
    found = {f.func for e in exprs for f in e.atoms(Function) if hasattr(f.func, "activation")}
    return sorted(found, key=lambda f: f.__name__)


def show_exact(expr: Expr) -> Expr:
    """Replace every opaque function by its exact form."""
    x = Symbol("x", real=True)
    while calls := opaque_calls([expr]):
        for call in calls:
            form = exact_form(call.activation, call.order)
            expr = expr.replace(call, lambda a, form=form: form.xreplace({x: a}))
    return expand_activations(expr)


@dataclass(frozen=True)
class Step:
    """What one step computes: values, Jacobian, parameter derivatives and second derivatives, each row-major.

    Parameters
    ----------
    state : generated state symbols, (d,)
    names : the user's parameter names, in the order of ``arguments``
    arguments : generated parameter symbols
    values : new state (or the loss), (r,)
    jacobian : ∂values/∂state, (r·d,)
    local : ∂values/∂a for each name of ``wrt``, (r·p,)
    second : ∂²values/∂u∂v over u, v in state then ``wrt``, (r·(d+p)²,); empty unless asked for
    wrt : the names differentiated by
    """

    state: tuple[Symbol, ...]
    names: tuple[str, ...]
    arguments: tuple[Symbol, ...]
    values: tuple[Expr, ...]
    jacobian: tuple[Expr, ...]
    local: tuple[Expr, ...]
    second: tuple[Expr, ...]
    wrt: tuple[str, ...]

    @property
    def outputs(self) -> tuple[Expr, ...]:
        """All expressions in one row: values, jacobian, local, second."""
        return self.values + self.jacobian + self.local + self.second

    @cached_property
    def exact_outputs(self) -> tuple[Expr, ...]:
        """The outputs with every opaque function in its exact form."""
        return tuple(show_exact(e) for e in self.outputs)

    @cached_property
    def zeros_exact(self) -> bool:
        """Whether a factor of a scalar layer computed as 0 can only be exactly 0, never an underflow."""
        if len(self.jacobian) != 1:
            return False
        (entry,) = self.jacobian
        if {f.func.__name__ for f in entry.atoms(Function)} - EXACT_ZEROS:
            return False
        bare = entry.xreplace({f: Integer(1) for f in entry.atoms(Function)})
        if bare.free_symbols & set(self.state) or not bare.is_polynomial():
            return False
        return bare.is_number or bool(sympy.Poly(bare, *bare.free_symbols).total_degree() <= 1)

    def split(self, outputs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Split one row of outputs into values, jacobian, local and second."""
        marks = [0]
        for part in (self.values, self.jacobian, self.local, self.second):
            marks.append(marks[-1] + len(part))
        values, jacobian, local, second = (list(outputs[a:b]) for a, b in pairwise(marks))
        return values, jacobian, local, second


def _step(
    exprs: Sequence[Expr], state: Sequence[Expr], symbols: Mapping[str, Expr], wrt: Sequence[str], second: bool
) -> Step:
    """Derive a step from expressions in the user's symbols."""
    inner = tuple(Symbol(f"x{i}", real=True) for i in range(len(state)))
    arguments = tuple(Symbol(f"p{i}", real=True) for i in range(len(symbols)))
    renaming = dict(zip(symbols.values(), arguments, strict=True)) | dict(zip(state, inner, strict=True))
    values = tuple(hide_activations(e).xreplace(renaming) for e in exprs)
    place = dict(zip(symbols, arguments, strict=True))
    by = [place.get(name) for name in wrt]

    def derive(expr: Expr, symbol: Symbol | None) -> Expr:
        return Integer(0) if symbol is None else differentiate(expr, symbol)

    jacobian = tuple(differentiate(e, s) for e in values for s in inner)
    local = tuple(derive(e, s) for e in values for s in by)
    rows: tuple[Expr, ...] = ()
    if second:
        unknowns = [*inner, *by]
        slopes = {(e, i): derive(e, u) for e in values for i, u in enumerate(unknowns)}
        rows = tuple(derive(slopes[e, i], v) for e in values for i in range(len(unknowns)) for v in unknowns)
    return Step(inner, tuple(symbols), arguments, values, jacobian, local, rows, tuple(wrt))


def layer_step(layer: Map, wrt: Sequence[str], second: bool) -> Step:
    """Derive the step of one layer."""
    names = sorted({p.name for p in layer.parameters} | set(layer.layered))
    return _step(layer.exprs, layer.state, {name: layer.symbol(name) for name in names}, wrt, second)


def loss_step(loss: Expr, state: Sequence[Symbol], wrt: Sequence[str], second: bool) -> Step:
    """Derive the loss as a step with one value."""
    free = {s.name: s for s in loss.free_symbols if s not in set(state)}
    return _step([loss], state, {name: free[name] for name in sorted(free)}, wrt, second)


@dataclass(frozen=True)
class Steps:
    """The derived steps of a gradient: one per distinct layer, and the loss."""

    gradient: Gradient
    layers: Mapping[Map, Step]
    loss: Step | None


def derive_steps(target: Gradient) -> Steps:
    """Derive every distinct layer once, whatever the depth."""
    chain, second = target.composition, target.second_order
    layers = {layer: layer_step(layer, target.wrt, second) for layer in chain.maps}
    loss = None if target.loss is None else loss_step(target.loss, chain.state, target.wrt, second)
    return Steps(target, layers, loss)


Compiled = Callable[..., Any]


def numeric_forms(calls: Sequence[Any]) -> dict[str, Compiled]:
    """Return a NumPy function for every opaque function, from the table or from its exact form."""
    return {
        call.__name__: _numeric(call.activation, call.order, ACTIVATIONS[call.activation].formula) for call in calls
    }


@cache
def _numeric(name: str, order: int, formula: Formula) -> Compiled:
    if name in STABLE and order < len(STABLE[name].numpy):
        function: Compiled = STABLE[name].numpy[order]
        return function
    x = Symbol("x", real=True)
    compiled: Compiled = sympy.lambdify([x], exact_form(name, order), modules=["scipy", "numpy"], cse=True)
    return compiled
