"""Whether a cliff can have been missed: the argument by Schwarzian derivatives, the one by monotony, or neither.

A tied chain whose activations all have φ' > 0 and Sφ < 0 is, at each value of its parameters, increasing, decreasing
or constant, and Sf < 0 (negative Schwarzian derivatives are closed under composition; affine layers keep them). Then
1/√|f'| is convex (Singer 1978), so an increasing f has at most three fixed points counted with multiplicity, and a
repelling one lies between attractors (or infinity). An orbit of an increasing f is monotone and ends at the first
fixed point on its way. That end changes with the parameters only where the start is on a repelling fixed point, where
the fixed point it runs to is semistable (a fold), or where one leaves through infinity. For a decreasing f the same
holds of f∘f, whose outer fixed points, the cycle of period 2, attract: only the repelling fixed point itself is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import sympy
from sympy import Dummy, Expr, Symbol

from symgrad.certify import Ball, enclose
from symgrad.derivation import schwarzian_of
from symgrad.derivation.equilibria import one_block
from symgrad.derivation.identities.proofs import sign_proof
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import ACTIVATIONS, Composition, Map, differentiate
from symgrad.phenomena.cliffs.cliff_map import Coverage

if TYPE_CHECKING:
    from symgrad.phenomena.cliffs.laps import Laps

Box = Mapping[str, tuple[Fraction, Fraction]]
AFFINE = "an affine layer"


@dataclass(frozen=True)
class Unit:
    """A layer A·φ(αx + β) + B; ``name`` is φ, or None for an affine layer."""

    name: str | None


def unit(layer: Map) -> Unit | None:
    """Return the layer as one unit of a single activation, None where it is no such layer.

    >>> unit(Map("v*tanh(w*x + b) + c", "x")), unit(Map("x*sigmoid(x)", "x"))
    (Unit(name='tanh'), None)
    """
    if layer.dimension != 1:
        return None
    (x,) = layer.state
    if x not in differentiate(layer.expr, x).free_symbols:
        return Unit(None)
    calls = [f for f in layer.expr.atoms(sympy.Function) if x in f.free_symbols]
    if len(calls) != 1 or calls[0].func.__name__ not in ACTIVATIONS:
        return None
    output = Dummy("y", real=True)
    outer = differentiate(layer.expr.xreplace({calls[0]: output}), output)
    scale = differentiate(calls[0].args[0], x)
    plain = not {x, output} & (outer.free_symbols | scale.free_symbols)
    return Unit(calls[0].func.__name__) if plain and x not in _offset(layer, calls[0]).free_symbols else None


def _offset(layer: Map, call: Expr) -> Expr:
    return layer.expr.xreplace({call: sympy.Integer(0)})


def schwarzian_evidence(chain: Composition) -> tuple[Evidence, ...] | None:
    """Return the facts by which a tied chain has a negative Schwarzian derivative, None where it is not proved to.

    >>> found = schwarzian_evidence(Map("w*tanh(x) + b", "x") ** 50)
    >>> [(fact.claim, fact.verdict.word) for fact in found]
    [("tanh' > 0", 'proved'), ('the Schwarzian derivative of tanh is negative', 'proved')]
    >>> schwarzian_evidence(Map("w*gelu(x) + b", "x") ** 50) is None
    True
    """
    tied = one_block(chain)
    if tied is None or tied.layered:
        return None
    units = [unit(layer) for layer in tied.blocks[0].body]
    if any(u is None for u in units):
        return None
    names = dict.fromkeys(u.name for u in units if u is not None and u.name is not None)
    facts: list[Evidence] = []
    for name in names:
        x = Symbol("x", real=True)
        rising = sign_proof(differentiate(ACTIVATIONS[name].function(x), x), strict=True)
        fact = schwarzian_of(name)
        if rising is None or not fact.is_negative:
            return None
        facts.append(Evidence(f"{name}' > 0", Verdict.PROVED, rising))
        facts.append(Evidence(f"the Schwarzian derivative of {name} is negative", Verdict.PROVED, fact.proof))
    return tuple(facts) or None


def is_affine(chain: Composition) -> bool:
    """Say whether a tied chain is affine in its state, so that its orbit is known in closed form."""
    tied = one_block(chain)
    return tied is not None and not tied.layered and all(unit(m) == Unit(None) for m in tied.blocks[0].body)


def signs_in(box: Box, values: Mapping[str, Fraction]) -> dict[Symbol, Expr]:
    """Return parameter → a symbol of the sign the parameter has all over the box, or its value where it has one."""
    known: dict[Symbol, Expr] = {}
    for name, value in values.items():
        known[Symbol(name, real=True)] = sympy.Rational(value)
    for name, (low, high) in box.items():
        ball = enclose(Symbol(name, real=True), {Symbol(name, real=True): Ball.between(low, high)})
        sign = {"positive": True} if ball.sign == 1 else {"negative": True} if ball.sign == -1 else {"real": True}
        known[Symbol(name, real=True)] = Dummy(name, **sign)
    return known


def monotony_evidence(
    chain: Composition, box: Box, values: Mapping[str, Fraction], along: str
) -> tuple[Evidence, ...] | None:
    """Return the facts by which x_T never falls as one parameter rises, None where that is not proved.

    Every layer must not fall in its state, and the layers must all rise or all fall in the parameter, over the box;
    values per layer may be anything, unless they multiply the state.

    >>> box = {"w": (Fraction(1), Fraction(2)), "b": (Fraction(-1), Fraction(1))}
    >>> [f.claim for f in monotony_evidence(Map("w*relu(x) + b + u[k]", "x") ** 9, box, {}, "b")]
    ['df/dx >= 0 in every layer over the box', 'df/db >= 0 in every layer over the box']
    """
    if chain.dimension != 1 or chain.domain != "real":
        return None
    known = signs_in(box, values)
    (x,) = chain.state
    parameter = Symbol(along, real=True)
    rising = [_sign(differentiate(layer.expr, x), known) for layer in chain.maps]
    turns = [_sign(differentiate(layer.expr, parameter), known) for layer in chain.maps]
    if any(sign != 1 for sign, _ in rising) or not turns:
        return None
    moved = {sign for sign, _ in turns if sign is not None and sign != 0}
    if any(sign is None for sign, _ in turns) or len(moved) != 1:
        return None
    relation = ">=" if moved == {1} else "<="
    return (
        Evidence("df/dx >= 0 in every layer over the box", Verdict.PROVED, rising[0][1]),
        Evidence(f"df/d{along} {relation} 0 in every layer over the box", Verdict.PROVED, turns[0][1]),
    )


def _sign(derivative: Expr, known: Mapping[Symbol, Expr]) -> tuple[int | None, str]:
    """Return the sign of a derivative over the box, 0 where it is 0, with the argument."""
    expr = derivative.xreplace(dict(known))
    if expr == 0:
        return 0, "it does not occur"
    for turn in (1, -1):
        proof = sign_proof(turn * expr)
        if proof is not None:
            return turn, proof
    return None, ""


def coverage(
    chain: Composition,
    box: Box,
    values: Mapping[str, Fraction],
    *,
    along: str,
    listed: bool,
    laps: "Sequence[Laps]" = (),
    missed: float | None = None,
) -> Coverage:
    """Return whether a cliff can have been missed.

    Parameters
    ----------
    chain : the layers
    box : the swept parameters
    values : the parameters that are not swept
    along : the parameter along which crossings are counted
    listed : whether every basin line and fold arc of the chain is known by equation
    laps : measured numbers of monotone laps, for chains without an argument
    missed : the largest rise of the settled state between neighbouring samples in which no jump was located
    """
    facts = schwarzian_evidence(chain)
    if facts is not None and listed:
        return Coverage(
            Verdict.PROVED,
            "None missed: the activations increase and have a negative Schwarzian derivative, so the end of the orbit "
            "changes only on the basin lines and fold arcs listed (and where a fixed point leaves through infinity).",
            facts,
        )
    if is_affine(chain) and listed:
        return Coverage(
            Verdict.PROVED,
            "None missed: the chain is affine in its state, its orbit is known in closed form, and its end changes "
            "only where the start is a repelling fixed point or a factor has size 1.",
        )
    monotone = monotony_evidence(chain, box, values, along)
    if monotone is not None:
        rest = "" if missed is None else f" A jump of the settled state that was missed is smaller than {missed:.3g}."
        return Coverage(
            Verdict.PROVED,
            f"Every layer rises in its state and moves one way in {along}, so on each line of constant other "
            f"parameters every level of the state is crossed at most once.{rest}",
            monotone,
        )
    return _sampled(laps, along)


def _sampled(laps: "Sequence[Laps]", along: str) -> Coverage:
    """Return what counted laps say: growing exponentially is rough, otherwise nothing more than sampled."""
    facts = tuple(Evidence(found.statement, found.verdict, "adaptive sampling") for found in laps)
    growths = {found.growth.name for found in laps}
    if "EXPONENTIAL" in growths:
        return Coverage(
            Verdict.SAMPLED,
            f"Rough: the number of monotone pieces of the state along {along} grows exponentially with depth, so there "
            "is no finite list of cliffs; those listed are examples.",
            facts,
        )
    return Coverage(
        Verdict.SAMPLED,
        "Sampled: the chain is not proved to be monotone with a negative Schwarzian derivative; the cliffs listed were "
        "found by exact candidates and by bracketing on lines, and others may exist between the lines.",
        facts,
    )
