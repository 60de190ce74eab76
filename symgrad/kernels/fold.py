"""Folding a step over depth with any arithmetic: state, product, compounds and sensitivities travel together.

The same fold serves the arithmetic with unlimited exponents and the multiple-precision oracle; an ``Arithmetic``
says how expressions are evaluated and how two numbers are multiplied and added.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Any

from symgrad.derivation import Gradient
from symgrad.kernels.steps import Step, Steps
from symgrad.maps import Map

Number = Any


@dataclass(frozen=True)
class Arithmetic:
    """How a fold computes; ``zero`` and ``one`` mark structural constants, which products skip."""

    evaluate: Callable[[Step, Mapping[Any, Number]], Sequence[Number]]
    multiply: Callable[[Number, Number], Number]
    add: Callable[[Number, Number], Number]
    negate: Callable[[Number], Number]
    zero: Number
    one: Number

    def dot(self, pairs: Iterable[tuple[Number, Number]]) -> Number:
        """Return the sum of products, skipping structural zeros."""
        total = self.zero
        for a, b in pairs:
            if a is self.zero or b is self.zero:
                continue
            term = b if a is self.one else a if b is self.one else self.multiply(a, b)
            total = term if total is self.zero else self.add(total, term)
        return total


@dataclass
class Carried:
    """Everything that travels with the state; ``compounds[p]`` is the p-th compound matrix of the product."""

    state: list[Number]
    compounds: dict[int, list[Number]]
    first: list[list[Number]]
    second: dict[tuple[int, int], list[Number]]
    factors: list[Number] = field(default_factory=list)
    records: list[tuple[Map, int, list[Number], list[Number]]] = field(default_factory=list)


def minors(matrix: Sequence[Number], size: int, order: int, arithmetic: Arithmetic) -> list[Number]:
    """Return the compound matrix of that order of a (size, size) matrix, row-major."""
    if order == 1:
        return list(matrix)
    sets = list(combinations(range(size), order))
    return [_minor(matrix, size, rows, columns, arithmetic) for rows in sets for columns in sets]


def _minor(matrix: Sequence[Number], size: int, rows: Sequence[int], columns: Sequence[int], a: Arithmetic) -> Number:
    total = a.zero
    for order in permutations(range(len(rows))):
        term = a.one
        for i, j in enumerate(order):
            entry = matrix[rows[i] * size + columns[j]]
            term = a.dot([(term, entry)])
        inversions = sum(order[i] > order[j] for i in range(len(order)) for j in range(i + 1, len(order)))
        if term is a.zero:
            continue
        signed = term if inversions % 2 == 0 else a.negate(term)
        total = signed if total is a.zero else a.add(total, signed)
    return total


def matrix_product(a: Sequence[Number], b: Sequence[Number], size: int, arithmetic: Arithmetic) -> list[Number]:
    """Return the product of two (size, size) matrices, row-major."""
    rows = range(size)
    return [arithmetic.dot((a[i * size + m], b[m * size + j]) for m in rows) for i in rows for j in rows]


def initial(start: Sequence[Number], target: Gradient, arithmetic: Arithmetic) -> Carried:
    """Return what travels before the first step: the start, unit products, sensitivities 0 (1 in the start itself)."""
    d, wrt, state = len(start), target.wrt, [s.name for s in target.composition.state]
    second = target.second_order
    compounds = {}
    for order in range(1, d + 1):
        size = len(list(combinations(range(d), order)))
        compounds[order] = [arithmetic.one if i == j else arithmetic.zero for i in range(size) for j in range(size)]
    pairs = {(a, b): [arithmetic.zero] * d for a in range(len(wrt)) for b in range(a, len(wrt))} if second else {}
    first = [[arithmetic.one if name == s else arithmetic.zero for s in state] for name in wrt]
    return Carried(list(start), compounds, first, pairs)


def structural(step: Step, numbers: Sequence[Number], arithmetic: Arithmetic) -> list[Number]:
    """Put the constants 0 and 1 where the derived expression is literally 0 or 1, so that products skip them."""
    constants = {0: arithmetic.zero, 1: arithmetic.one}
    derived = zip(step.outputs, numbers, strict=True)
    return [constants.get(e, v) if i >= len(step.values) and e.is_Integer else v for i, (e, v) in enumerate(derived)]


def advance(
    carried: Carried, step: Step, numbers: Sequence[Number], arithmetic: Arithmetic
) -> tuple[list[Number], list[Number]]:
    """Advance everything by one layer and return its Jacobian and parameter derivatives."""
    d, p = len(step.state), len(step.wrt)
    values, jacobian, local, second = step.split(numbers)
    if carried.second:
        carried.second = {
            (a, b): [_second_order(carried, i, a, b, jacobian, second, d, p, arithmetic) for i in range(d)]
            for a, b in carried.second
        }
    for a in range(p):
        old = carried.first[a]
        carried.first[a] = [
            arithmetic.dot([(jacobian[i * d + j], old[j]) for j in range(d)] + [(arithmetic.one, local[i * p + a])])
            for i in range(d)
        ]
    for order, product in carried.compounds.items():
        compound = minors(jacobian, d, order, arithmetic)
        carried.compounds[order] = matrix_product(compound, product, round(len(compound) ** 0.5), arithmetic)
    carried.state = values
    return jacobian, local


def _second_order(
    carried: Carried,
    i: int,
    a: int,
    b: int,
    jacobian: list[Number],
    second: list[Number],
    d: int,
    p: int,
    ar: Arithmetic,
) -> Number:
    """Return s_ab' = f_x s_ab + f_xx s_a s_b + f_xa s_b + f_xb s_a + f_ab for component i."""
    width = d + p

    def at(u: int, v: int) -> Number:
        return second[(i * width + u) * width + v]

    sa, sb = carried.first[a], carried.first[b]
    pairs = [(jacobian[i * d + j], carried.second[a, b][j]) for j in range(d)]
    pairs += [(at(j, m), ar.dot([(sa[j], sb[m])])) for j in range(d) for m in range(d)]
    pairs += [(at(j, d + a), sb[j]) for j in range(d)]
    pairs += [(at(j, d + b), sa[j]) for j in range(d)]
    return ar.dot([*pairs, (ar.one, at(d + a, d + b))])


def fold(
    steps: Steps,
    start: Sequence[Number],
    values: Callable[[str, int | None], Number],
    arithmetic: Arithmetic,
    *,
    schedule: Iterable[tuple[Map, int]],
    trace: bool,
) -> Carried:
    """Carry the start through the schedule; ``values(name, k)`` is a parameter's value in application k."""
    target = steps.gradient
    carried = initial(start, target, arithmetic)
    keep = any(name in target.composition.layered for name in target.wrt)
    for layer, k in schedule:
        step = steps.layers[layer]
        known: dict[Any, Number] = dict(zip(step.state, carried.state, strict=True))
        for name, symbol in zip(step.names, step.arguments, strict=True):
            known[symbol] = values(name, k if name in layer.layered else None)
        jacobian, local = advance(
            carried, step, structural(step, arithmetic.evaluate(step, known), arithmetic), arithmetic
        )
        if trace:
            carried.factors.append(jacobian[0])
        if keep:
            carried.records.append((layer, k, jacobian, local))
    return carried


def adjoint(
    carried: Carried, steps: Steps, outer: Sequence[Number], arithmetic: Arithmetic
) -> dict[str, dict[int, Number]]:
    """Return ∂/∂name[k] for every name with a value per layer, carrying ``outer`` backwards through the records."""
    target, d = steps.gradient, len(outer)
    found: dict[str, dict[int, Number]] = {n: {} for n in target.wrt if n in target.composition.layered}
    costate = list(outer)
    for layer, k, jacobian, local in reversed(carried.records):
        for name in found:
            if name in layer.layered:
                a, p = target.wrt.index(name), len(target.wrt)
                term = arithmetic.dot((costate[i], local[i * p + a]) for i in range(d))
                old = found[name].get(k, arithmetic.zero)
                found[name][k] = (
                    term if old is arithmetic.zero else arithmetic.dot([(arithmetic.one, old), (arithmetic.one, term)])
                )
        costate = [arithmetic.dot((jacobian[i * d + j], costate[i]) for i in range(d)) for j in range(d)]
    return found
