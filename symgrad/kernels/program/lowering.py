"""From the expressions of a derived step to its program."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import sympy
from sympy import Expr, Symbol
from sympy.codegen.cfunctions import expm1, log1p

from symgrad.kernels.program.builder import Builder
from symgrad.kernels.program.bundles import BUNDLES
from symgrad.kernels.program.program import Input, Program
from symgrad.kernels.program.terms import Term
from symgrad.kernels.steps import Step, Steps, exact_form, show_exact
from symgrad.maps import ACTIVATIONS, Map, step

LARGEST_POWER = 64
DIRECT: Mapping[Any, str] = {
    sympy.exp: "exp",
    sympy.log: "log",
    log1p: "log1p",
    expm1: "expm1",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.asinh: "asinh",
    sympy.acosh: "acosh",
    sympy.atanh: "atanh",
    sympy.erf: "erf",
    sympy.erfc: "erfc",
    sympy.Abs: "abs",
    sympy.sign: "sign",
    sympy.floor: "floor",
    sympy.ceiling: "ceil",
}
INVERTED: Mapping[Any, str] = {sympy.sec: "cos", sympy.csc: "sin", sympy.cot: "tan", sympy.sech: "cosh"}
RELATIONS: Mapping[Any, tuple[str, bool]] = {  # operation, and whether the sides change places
    sympy.StrictLessThan: ("lt", False),
    sympy.LessThan: ("le", False),
    sympy.StrictGreaterThan: ("lt", True),
    sympy.GreaterThan: ("le", True),
    sympy.Equality: ("eq", False),
}


class Unsupported(Exception):
    """An expression that has no program; the general backends compute it."""


class Lowering:
    """Lowers expressions into one builder; ``known`` holds the slots of the symbols."""

    def __init__(self, builder: Builder, known: Mapping[Any, int]) -> None:
        self.builder = builder
        self.known: dict[Any, int] = dict(known)

    def slot(self, expr: Any) -> int:
        """Return the slot of an expression."""
        if expr not in self.known:
            self.known[expr] = self._lowered(expr)
        return self.known[expr]

    def _lowered(self, expr: Any) -> int:
        if not isinstance(expr, sympy.logic.boolalg.Boolean) and not expr.free_symbols:
            return self._number(expr)
        if expr.is_Add:
            return self._sum(expr)
        if expr.is_Mul:
            return self._quotient(expr)
        if expr.is_Pow:
            return self._power(expr)
        return self._call(expr)

    def _number(self, expr: Expr) -> int:
        try:
            number = float(show_exact(expr))
        except (OverflowError, TypeError):
            raise Unsupported(f"the number {str(expr)[:40]}") from None
        if not math.isfinite(number) or (number == 0.0 and not expr.is_zero):
            raise Unsupported(f"the number {str(expr)[:40]}")
        return self.builder.constant(number)

    def _sum(self, expr: Expr) -> int:
        """Add what depends on parameters only first: it is added once for all steps."""
        slots = [(self.slot(-term), "sub") if _negative(term) else (self.slot(term), "add") for term in expr.args]
        uniform = [pair for pair in slots if self.builder.uniform[pair[0]]]
        varying = sorted((pair for pair in slots if pair not in uniform), key=lambda pair: pair[1] == "sub")
        own = self._added(self.builder.constant(0.0), sorted(uniform, key=lambda pair: pair[1] == "sub"))
        if not varying or varying[0][1] == "sub":
            return self._added(own, varying)
        return self.builder.put("add", self._added(self.builder.constant(0.0), varying), own)

    def _added(self, first: int, terms: Sequence[tuple[int, str]]) -> int:
        return reduce(lambda total, pair: self.builder.put(pair[1], total, pair[0]), terms, first)

    def _quotient(self, expr: Expr) -> int:
        upper, lower = [], []
        for factor in expr.args:
            base, exponent = factor.as_base_exp()
            if exponent.is_Rational and exponent.is_negative:
                lower.append(self.slot(base**-exponent))
            else:
                upper.append(self.slot(factor))
        one = self.builder.constant(1.0)
        above, below = (reduce(self._times, self._uniform_first(part), one) for part in (upper, lower))
        return self.builder.put("div", above, below)

    def _uniform_first(self, slots: Sequence[int]) -> list[int]:
        return sorted(slots, key=lambda s: not self.builder.uniform[s])

    def _times(self, a: int, b: int) -> int:
        return self.builder.put("mul", a, b)

    def _power(self, expr: Expr) -> int:
        base, exponent = expr.args
        if not (exponent.is_Rational and abs(exponent.p) <= LARGEST_POWER and exponent.q <= 2):
            return self.builder.put("pow", self.slot(base), self.slot(exponent))
        root = self.slot(base)
        if exponent.q == 2:
            root = self.builder.put("sqrt", root)
        raised = self._raised(root, abs(int(exponent.p)))
        return self.builder.put("div", self.builder.constant(1.0), raised) if exponent.is_negative else raised

    def _raised(self, slot: int, times: int) -> int:
        if times == 1:
            return slot
        half = self._raised(slot, times // 2)
        square = self._times(half, half)
        return self._times(square, slot) if times % 2 else square

    def _call(self, expr: Any) -> int:
        kind, put = expr.func, self.builder.put
        if hasattr(kind, "activation"):
            return self._activation(kind, self.slot(expr.args[0]))
        if kind in DIRECT:
            return put(DIRECT[kind], *(self.slot(a) for a in expr.args))
        if kind in INVERTED:
            return put("div", self.builder.constant(1.0), put(INVERTED[kind], self.slot(expr.args[0])))
        if kind in (sympy.Min, sympy.Max):
            op = "min" if kind is sympy.Min else "max"
            return reduce(lambda a, b: put(op, a, b), self._uniform_first([self.slot(a) for a in expr.args]))
        if kind is sympy.Mod:
            return put("mod", *(self.slot(a) for a in expr.args))
        if kind in (step, sympy.Heaviside):
            return self._step(self.slot(expr.args[0]), *(self.slot(a) for a in expr.args[1:]))
        if kind is sympy.Piecewise:
            return self._piecewise(expr)
        if isinstance(expr, sympy.logic.boolalg.Boolean):
            return self._truth(expr)
        if kind.__name__ in ACTIVATIONS:
            return self._activation_of(kind.__name__, 0, self.slot(expr.args[0]))
        raise Unsupported(f"the function {kind.__name__}")

    def _activation(self, kind: Any, argument: int) -> int:
        return self._activation_of(kind.activation, kind.order, argument)

    def _activation_of(self, name: str, order: int, argument: int) -> int:
        if name in BUNDLES and order <= 2:
            return BUNDLES[name](Term(self.builder, argument))[order].slot
        x = Symbol("x", real=True)
        return Lowering(self.builder, {x: argument}).slot(show_exact(exact_form(name, order)))

    def _step(self, argument: int, *at_zero: int) -> int:
        put, zero, one = self.builder.put, self.builder.constant(0.0), self.builder.constant(1.0)
        below = put("select", put("eq", argument, zero), at_zero[0], zero) if at_zero else zero
        return put("select", put("lt", zero, argument), one, below)

    def _piecewise(self, expr: Any) -> int:
        *branches, (last, condition) = expr.args
        if condition != sympy.true:
            raise Unsupported("cases that leave some numbers out")
        result = self.slot(last)
        for value, truth in reversed(branches):
            result = self.builder.put("select", self.slot(truth), self.slot(value), result)
        return result

    def _truth(self, expr: Any) -> int:
        kind, put = expr.func, self.builder.put
        if kind in RELATIONS:
            op, swapped = RELATIONS[kind]
            sides = [self.slot(a) for a in expr.args]
            return put(op, *(reversed(sides) if swapped else sides))
        if kind in (sympy.And, sympy.Or):
            op = "and" if kind is sympy.And else "or"
            return reduce(lambda a, b: put(op, a, b), [self.slot(a) for a in expr.args])
        if kind is sympy.Not:
            return put("not", self.slot(expr.args[0]))
        if kind is sympy.Unequality:
            return put("not", put("eq", *(self.slot(a) for a in expr.args)))
        raise Unsupported(f"the condition {kind.__name__}")


def _negative(term: Expr) -> bool:
    return bool(term.could_extract_minus_sign() and term.is_Mul and term.args[0].is_Number)


def program_of(step: Step, *, layered: Sequence[str] = ()) -> Program:
    """Return the program of a derived step.

    Parameters
    ----------
    layered : the names among the parameters that have a value per layer

    Raises
    ------
    Unsupported : a function or a number that programs do not have
    """
    inputs = [Input("state", s.name) for s in step.state]
    inputs += [Input("layer" if name in layered else "parameter", name) for name in step.names]
    builder = Builder(inputs)
    lowering = Lowering(builder, {s: i for i, s in enumerate(step.state + step.arguments)})
    try:
        parts = [[lowering.slot(e) for e in row] for row in (step.values, step.jacobian, step.local)]
    except RecursionError:
        raise Unsupported("an expression nested too deeply") from None
    return builder.program(*parts, wrt=step.wrt, zeros_exact=step.zeros_exact)


@dataclass(frozen=True)
class Programs:
    """The programs of a gradient: one per distinct layer, and the loss."""

    layers: Mapping[Map, Program]
    loss: Program | None


def programs_of(steps: Steps) -> Programs:
    """Return the programs of derived steps, or raise ``Unsupported``."""
    layers = {layer: program_of(step, layered=layer.layered) for layer, step in steps.layers.items()}
    return Programs(layers, None if steps.loss is None else program_of(steps.loss))
