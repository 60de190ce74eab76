"""Reading a factor sequence, and the proof that each of its factors is defined."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Symbol

from symgrad.derivation.products.asymptotics import Expander
from symgrad.derivation.products.constants import sign_of
from symgrad.derivation.products.expansions import NoExpansionError
from symgrad.derivation.products.residues import is_whole, settled, step
from symgrad.derivation.products.whole_ranges import Signs, signs
from symgrad.errors import InputError
from symgrad.maps import expand_activations, expression, to_text
from symgrad.parsing import Condition, Node, Power, domain_conditions, indexed_names, names, parse, unparse

LARGEST_START = 10**9
TRIED = 60

_ALLOWED = {
    Condition.NONZERO: {-1, 1},
    Condition.POSITIVE: {1},
    Condition.NONNEGATIVE: {0, 1},
    Condition.WITHIN_ONE: {0, 1},
    Condition.INSIDE_ONE: {1},
    Condition.AT_LEAST_ONE: {0, 1},
    Condition.REAL_POWER: {1},
}


@dataclass(frozen=True)
class Requirement:
    """What must hold for a factor to be a real number: a formula whose sign must be allowed.

    Parameters
    ----------
    formula : an expression in k
    kind : the condition; it fixes the signs the formula may have
    text : the part of the text it comes from
    exponent : of a power; where it is an integer the base need only not be 0
    """

    formula: Expr
    kind: Condition
    text: str
    exponent: Expr | None = None


@dataclass(frozen=True)
class FactorSequence:
    """The factors a_k, k = start, start + 1, ….

    Parameters
    ----------
    factor : a_k
    index : k, an integer symbol
    start : the first k
    depth : n where the factors contain the number of factors
    requirements : what must hold for every a_k to be defined
    """

    factor: Expr
    index: Symbol
    start: int
    depth: Symbol | None
    requirements: tuple[Requirement, ...]


def read_sequence(factor: str | Expr, *, index: str, start: int, depth: str | None) -> FactorSequence:
    """Read and check a factor sequence.

    Raises
    ------
    InputError : the text cannot be read, or contains a symbol that is neither index nor, with a depth, a parameter

    Examples
    --------
    >>> read_sequence("1 + c/k", index="k", start=1, depth=None)
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: the factors contain c beside the index k; put in a number for c, or name with --depth the
    number of factors
    """
    node = parse(factor if isinstance(factor, str) else to_text(factor))
    if isinstance(start, bool) or not isinstance(start, int) or abs(start) > LARGEST_START:
        raise InputError(f"the first index must be a whole number, got {start!r}; give e.g. 1")
    for name in (index, depth):
        if name is not None and not name.isidentifier():
            raise InputError(f"{name!r} is not a name; a name has letters, digits and _, e.g. k")
    if depth == index:
        raise InputError(f"index and depth are both called {index}; give the depth another name, e.g. n")
    if indexed_names(node):
        raise InputError(f"{unparse(node)} has values for each layer; write the factor as a formula in {index}")
    used = names(node)
    others = sorted(used - {index, depth})
    if others and depth not in used:
        hint = f"put in a number for {others[0]}, or name with --depth the number of factors"
        raise InputError(f"the factors contain {', '.join(others)} beside the index {index}; {hint}")
    places = {Symbol(index, real=True): Symbol(index, integer=True)}
    n = Symbol(depth, integer=True, positive=True) if depth is not None and depth in used else None
    if n is not None:
        places[Symbol(n.name, real=True)] = n
    requirements = tuple(_requirements(node, places))
    return FactorSequence(expression(node).xreplace(places), Symbol(index, integer=True), int(start), n, requirements)


def _requirements(node: Node, places: Mapping[Symbol, Symbol]) -> list[Requirement]:
    found = []
    for part, kind in domain_conditions(node):
        text = unparse(part)
        if kind is Condition.REAL_POWER and isinstance(part, Power):
            base, exponent = (expression(e).xreplace(places) for e in (part.base, part.exponent))
            found.append(Requirement(base, kind, text, exponent))
            continue
        formula = expression(part).xreplace(places)
        sides = {
            Condition.WITHIN_ONE: (1 - formula, 1 + formula),
            Condition.INSIDE_ONE: (1 - formula, 1 + formula),
            Condition.AT_LEAST_ONE: (formula - 1,),
        }
        found += [Requirement(side, kind, text) for side in sides.get(kind, (formula,))]
    return found


def domain_gap(sequence: FactorSequence, period: int) -> str | None:
    """Return what is not proved about the domain, None where every factor is proved to be defined.

    Raises
    ------
    InputError : a factor is undefined; the message names it
    """
    for requirement in sequence.requirements:
        for r in range(period):
            place = {sequence.index: sequence.start + r + period * step}
            form = settled(expand_activations(requirement.formula).xreplace(place))
            exponent = requirement.exponent
            whole = exponent is not None and is_whole(settled(expand_activations(exponent).xreplace(place)))
            table = signs(form)
            broken = _broken(form, table, _ALLOWED[Condition.NONZERO if whole else requirement.kind])
            if broken is not None:
                k = sequence.start + r + period * broken
                raise InputError(
                    f"the factor at {sequence.index} = {k} is undefined: {requirement.text} {requirement.kind.value}; "
                    f"start further on with --from, or mend the factor"
                )
            if table is None and form != 0:
                return f"{requirement.text} {requirement.kind.value} for every {sequence.index}"
    return None


def depth_domain_gap(sequence: FactorSequence) -> str | None:
    """Return what is not proved about the domain of factors that contain the depth, for large depths.

    Raises
    ------
    InputError : a factor is undefined at every depth; the message names it
    """
    depth = sequence.depth
    of_index = tuple(r for r in sequence.requirements if not r.formula.has(depth))
    gap = domain_gap(replace(sequence, requirements=of_index), 1)
    if gap is not None:
        return gap
    places = {sequence.index: sequence.start + Symbol("later", integer=True, nonnegative=True)}
    for requirement in sequence.requirements:
        formula = expand_activations(requirement.formula).xreplace(places)
        allowed = _ALLOWED[requirement.kind]
        if formula.has(depth) and not formula.is_positive and _sign_at_depth(formula, depth) not in allowed:
            return f"{requirement.text} {requirement.kind.value} for every {sequence.index}"
    return None


def _sign_at_depth(formula: Expr, depth: Symbol | None) -> int | None:
    """Return the sign a formula without index has at all large depths, None where it is not known."""
    form = formula.xreplace({depth: step})
    try:
        return None if form.free_symbols - {step} else Expander(step).sign(form)
    except NoExpansionError:
        return None


def _broken(form: Expr, table: Signs | None, allowed: set[int]) -> int | None:
    """Return the first m at which a sign is not allowed, None where there is none or it is not known."""
    if form == 0:
        return None if 0 in allowed else 0
    if table is None:
        for m in range(TRIED):
            value = form.subs(step, m)
            sign = sign_of(value) if value.is_real is not False and value.is_finite is not False else -2
            if sign is not None and sign not in allowed:
                return m
        return None
    if table.head is None:
        return table.zeros[0] if table.zeros and 0 not in allowed else None
    everywhere = [*table.head, table.tail]
    return next((m for m, sign in enumerate(everywhere) if sign not in allowed), None)
