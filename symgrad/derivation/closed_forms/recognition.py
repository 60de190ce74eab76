"""Closed forms of deep compositions: x_n = F(n, x) and the chain product for a symbolic depth, proved by induction.

A chain is recognised as a member of a family of maps (``families``); each branch of its form is proved by induction
and compared with direct iteration for n = 1…6. A form that fails either is not returned, and a chain of no family has
none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sympy
from sympy import Eq, Expr, Matrix, Pow, S, Symbol

from symgrad.derivation.closed_forms.agreement import agreement
from symgrad.derivation.closed_forms.induction import Branch, decided, settled, written_at
from symgrad.derivation.identities.proofs import is_zero
from symgrad.derivation.notation import to_latex
from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Block, Composition, Map, as_composition, differentiate, expression
from symgrad.symbols import n, real

LARGEST_BODY = 400
MOST_BRANCHES = 16
SHORT_DEPTH = 12
LONG_DEPTH = 4000
# SymPy raises TypeError or ValueError where it compares what is not real.
_REFUSALS = (sympy.PolynomialError, NotImplementedError, RecursionError, TypeError, ValueError)


def _points(values: Mapping[str, Any]) -> dict[Expr, Expr]:
    return {real(name): sympy.sympify(value, strict=True) for name, value in values.items()}


@dataclass(frozen=True)
class ClosedForm:
    """The n-fold composition and the chain product of a chain in closed form.

    Parameters
    ----------
    family : the family the chain belongs to
    composition : the chain
    branches : the forms with their conditions, the general one first; ``x`` is the state that enters the first layer
    proof : the kind of argument, "induction"

    Examples
    --------
    >>> from symgrad.symbols import n
    >>> form = closed_form(Map("w*x + b", "x") ** n)
    >>> for branch in form.branches:
    ...     print(branch.iterate, "where", branch.condition)
    b*(w**n - 1)/(w - 1) + w**n*x where w != 1
    b*n + x where w = 1
    >>> form.proof, form.steps[0].claim
    ('induction', 'F(0) = x')
    """

    family: str
    composition: Composition
    branches: tuple[Branch, ...]
    proof: str = "induction"

    @property
    def iterate(self) -> Expr:
        """F(n, x) of the general branch of a scalar chain."""
        return self.branches[0].iterate

    @property
    def derivative(self) -> Expr:
        """The chain product in the general branch of a scalar chain."""
        return self.branches[0].derivative

    @property
    def conditions(self) -> str:
        """Where the general branch holds."""
        return self.branches[0].condition

    @property
    def product_condition(self) -> str:
        """Where the product of the general branch holds: "always" where the other branches only repeat it.

        >>> closed_form(Map("w*x + b", "x")).product_condition
        'always'
        """
        general, *others = self.branches
        for branch in others:
            values = {c.lhs: c.rhs for c in branch.conditions if isinstance(c, Eq) and c.lhs.is_Symbol}
            if not values or general.replaced(values).jacobian != branch.jacobian:
                return self.conditions
        return "always" if others else self.conditions

    @property
    def steps(self) -> tuple[Evidence, ...]:
        """What was proved, for all branches together."""
        return tuple(dict.fromkeys(step for branch in self.branches for step in branch.steps))

    def at(self, values: Mapping[str, Any]) -> Branch | None:
        """Return the branch that holds at exact values of parameters and start, written at them; None if none does.

        >>> closed_form(Map("4*x*(1-x)", "x")).at({"x": sympy.Rational(1, 2)}).derivative
        0
        """
        points = _points(values)
        found = self.branch_at(values)
        return None if found is None else found.replaced(points)

    def branch_at(self, values: Mapping[str, Any]) -> Branch | None:
        """Return the branch whose conditions are not refuted at exact values of parameters and start."""
        points = _points(values)
        for branch in self.branches:
            if all(decided(written_at(c, points)) is not False for c in branch.conditions):
                return branch
        return None

    def latex(self) -> str:
        """Return x_n in LaTeX, by cases where there are several branches."""
        states = self.composition.state
        lines = []
        for branch in self.branches:
            exprs = branch.iterates
            form = to_latex(exprs[0]) if len(exprs) == 1 else to_latex(tuple((e,) for e in exprs))
            lines.append((form, " \\wedge ".join(map(to_latex, branch.conditions))))
        end = sum((block.layers for block in self.composition.blocks), S.Zero) if len(states) == 1 else n
        left = f"{to_latex(states[0]) if len(states) == 1 else 'x'}_{{{to_latex(end)}}}"
        if len(lines) == 1:
            return f"{left} = {lines[0][0]}"
        cases = r" \\ ".join(f"{form} & {condition}" for form, condition in lines)
        return rf"{left} = \begin{{cases}} {cases} \end{{cases}}"


Found = tuple[str, tuple[Branch, ...]]


def _body(block: Block) -> Map | None:
    """Return one application of a block as a single map, None where it is long."""
    state = block.body[0].state
    exprs: tuple[Expr, ...] = state
    for layer in block.body:
        exprs = tuple(e.xreplace(dict(zip(state, exprs, strict=True))) for e in layer.exprs)
        if sum(sympy.count_ops(e) for e in exprs) > LARGEST_BODY:
            return None
    return Map(exprs, state)


def _once(f: Map) -> Found | None:
    """Return an affine map applied once, as a factor of a literal stack."""
    exprs, slopes = f.exprs, f.jacobian
    if any(e.has(*f.state) for row in slopes for e in row):
        return None
    start = dict.fromkeys(f.state, S.Zero)
    whole = Matrix(slopes) * Matrix(f.state) + Matrix([e.xreplace(start) for e in exprs])
    if f.dimension == 1:
        from symgrad.derivation.closed_forms.families.affine import affine_parts

        parts = affine_parts(f.expr, f.state[0])
        if parts is None:
            return None
        exprs, slopes = (parts[0] * f.state[0] + parts[1],), ((parts[0],),)
    elif not all(is_zero(a - b) for a, b in zip(exprs, whole, strict=True)):
        return None
    step = Evidence("the layers composed are affine", Verdict.PROVED, "expanded")
    return "affine", (Branch((), exprs, slopes, (step,)),)


def _polished(branch: Branch) -> Branch:
    """Write in the values that the equations among the conditions give to symbols."""
    for condition in branch.conditions:
        if not isinstance(condition, Eq):
            continue
        difference = condition.lhs - condition.rhs
        for symbol in sorted(difference.free_symbols, key=str):
            slope = differentiate(difference, symbol)
            if slope.is_Rational and slope != 0:
                value = sympy.expand(symbol - difference / slope)
                written = branch.replaced({symbol: value})
                exprs = [*written.iterates, *(e for row in written.jacobian for e in row)]
                if not any(e.has(S.NaN, S.ComplexInfinity) for e in exprs):
                    branch = replace(written, conditions=branch.conditions)
                break
    return branch


def _checked(f: Map, branches: Sequence[Branch]) -> tuple[Branch, ...] | None:
    """Return the branches compared with direct iteration; None where one disagrees.

    A branch without an equation that holds at no point found is left out, as its region is empty or next to it.
    """
    kept = []
    for branch in map(_polished, branches):
        points = agreement(f, branch)
        if points is None:
            return None
        if points or branch.special:
            kept.append(branch)
    return tuple(kept) or None


def _of_map(f: Map) -> Found | None:
    """Return the branches of the n-fold composition of a map, by the first family it belongs to."""
    from symgrad.derivation.closed_forms.families import FAMILIES  # its laws would cost start-up a fifth of a second
    from symgrad.derivation.closed_forms.families.untied import untied_affine

    if f.layered:
        branch = untied_affine(f)
        return None if branch is None else ("different affine layers", (branch,))
    for family in FAMILIES.values():
        if f.dimension not in family.dimensions:
            continue
        try:
            found = family.branches(f)
            branches = _checked(f, found) if found else None
        except _REFUSALS:
            continue
        if branches:
            return family.name, branches
    return None


def _after(first: Branch, second: Branch, state: Sequence[Symbol]) -> Branch | None:
    """Return ``second`` after ``first``, None where the conditions of both never hold together."""
    conditions = settled([*first.conditions, *second.conditions])
    if conditions is None:
        return None
    values = dict(zip(state, first.iterates, strict=True))
    entered = second.replaced(values)
    product = Matrix(entered.jacobian) * Matrix(first.jacobian)
    rows = tuple(tuple(product[i, j] for j in range(len(state))) for i in range(len(state)))
    steps = tuple(dict.fromkeys((*first.steps, *second.steps)))
    return Branch(conditions, entered.iterates, rows, steps, (*first.domain, *second.domain))


def _writable(branch: Branch, depth: Expr) -> bool:
    """Say whether the powers of a branch stay short at a literal depth: no number to a huge power, no huge degree."""
    if not depth.is_Integer or depth < SHORT_DEPTH:
        return True
    exprs = [*branch.iterates, *(e for row in branch.jacobian for e in row)]
    powers = [p for e in exprs for p in e.atoms(Pow) if n in p.exp.free_symbols]
    return not any(p.exp.has(Pow) or (p.base.is_number and depth > LONG_DEPTH) for p in powers)


def _of_chain(composition: Composition) -> Found | None:
    """Return the branches of a chain of blocks, each of a family; later ones may not have conditions on the state."""
    state, names = composition.state, []
    branches: tuple[Branch, ...] = ()
    for block in composition.blocks:
        f = _body(block)
        found = None if f is None else (_once(f) if block.depth == 1 and not f.layered else _of_map(f))
        if found is None:
            return None
        names.append(found[0])
        if not all(_writable(b, block.depth) for b in found[1]):
            return None
        placed = tuple(b.replaced({n: block.depth}) if block.depth != n else b for b in found[1])
        if not branches:
            branches = placed
            continue
        if any(c.has(*state) for b in placed for c in b.conditions) or any(b.domain for b in placed):
            return None
        pairs = [_after(a, b, state) for a in branches for b in placed]
        branches = tuple(b for b in pairs if b is not None)
        if not 0 < len(branches) <= MOST_BRANCHES:
            return None
    return " | ".join(dict.fromkeys(names)), branches


def _at_start(f: Map, branch: Branch | None, start: Expr) -> Branch | None:
    """Return a branch if it agrees with direct iteration from the start."""
    if branch is None:
        return None
    begin = Eq(f.state[0], start, evaluate=False)
    return branch if agreement(f, replace(branch, conditions=(begin, *branch.conditions))) else None


def _of_start(composition: Composition, start: tuple[Expr, ...]) -> Found | None:
    """Return the branches for a given start: a fixed point, a cycle, or what the family gives there."""
    from symgrad.derivation.closed_forms.families.starts import on_cycle, on_fixed_point

    f = _body(composition.blocks[0]) if len(composition.blocks) == 1 and not composition.layered else None
    alone = f is not None and f.dimension == 1
    depth = {n: composition.depth}
    fixed = _at_start(f, on_fixed_point(f, start[0]), start[0]) if f is not None and alone else None
    if fixed and not fixed.conditions:
        return "fixed start", (fixed.replaced(depth),)
    found = _of_chain(composition)
    if f is not None and alone and (found is None or found[0] != "affine"):
        cycle = _at_start(f, on_cycle(f, start[0]), start[0])
        if cycle is not None:
            return "start on a cycle", (cycle.replaced(depth),)
    if found is None:
        return ("fixed start", (fixed.replaced(depth),)) if fixed else None
    values = dict(zip(composition.state, start, strict=True))
    kept = [
        branch.replaced(values)
        for branch in found[1]
        if settled([written_at(c, values) for c in branch.conditions]) is not None
    ]
    return (found[0], tuple(kept)) if kept else None


@lru_cache(maxsize=256)
def _closed_form(composition: Composition, start: tuple[Expr, ...] | None) -> ClosedForm | None:
    if composition.domain != "real":
        return None
    found = _of_chain(composition) if start is None else _of_start(composition, start)
    return None if found is None else ClosedForm(found[0], composition, found[1])


def closed_form(chain: Map | Composition, *, start: Any = None) -> ClosedForm | None:
    """Return the n-fold composition and the chain product in closed form, proved by induction, or None.

    Parameters
    ----------
    chain : a map, for its n-fold composition, or a composition
    start : the exact state that enters the first layer, a number or expression (one for each component), or None

    Returns
    -------
    the form with every branch it has; None where the chain belongs to no family, or a step is not proved

    Raises
    ------
    InputError : a start that is no exact number or expression

    Examples
    --------
    >>> print(closed_form(Map("4*x*(1-x)", "x")).iterate)
    1/2 - cos(2**n*acos(1 - 2*x))/2
    >>> closed_form(Map("x**2 + 1/10", "x")) is None
    True
    """
    composition = chain**n if isinstance(chain, Map) else as_composition(chain)
    if start is None:
        return _closed_form(composition, None)
    several = start if isinstance(start, Sequence) and not isinstance(start, str) else [start]
    values = tuple(expression(v) if isinstance(v, str) else sympy.sympify(v, strict=True) for v in several)
    if len(values) != composition.dimension or any(not isinstance(v, Expr) or v.has(sympy.Float) for v in values):
        raise InputError(
            f"a start of {composition.dimension} exact numbers is needed, got {str(start)[:40]!r}; "
            "give e.g. Rational(1, 2)"
        )
    return _closed_form(composition, values)
