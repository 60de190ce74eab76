"""The catapult of a two-layer linear network, exact in two numbers.

A network f = u·v/√N with two vectors u, v of any length and the loss L = f²/2 takes a gradient step. Because L depends
on u and v only through u·v, and inner products of αu + βv are combinations of |u|², |v|² and u·v, the step is a map of
the output f and the curvature λ = (|u|² + |v|²)/N alone.

References
----------
Lewkowycz, Bahri, Dyer, Sohl-Dickstein & Gur-Ari (2020), The large learning rate phase of deep learning: the catapult
mechanism, arXiv 2003.02218, section 2.
"""

from dataclasses import dataclass

from sympy import Expr, Symbol, expand, sqrt

from symgrad.derivation.identities.proofs import zero_proof
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map, differentiate, to_text
from symgrad.symbols import real

STATED = ("(1 - eta*lamda + eta**2*f**2/N)*f", "lamda + eta*f**2/N*(eta*lamda - 4)")


@dataclass(frozen=True)
class TwoNumberMap:
    """The derived map of (f, λ), and what was proved about it.

    Parameters
    ----------
    map : state (f, lamda), parameters eta (the step size) and N (the width)
    evidence : for each component, whether it equals the published formula
    """

    map: Map
    evidence: tuple[Evidence, ...]


def gradient_step_of_products() -> tuple[Expr, Expr, dict[str, Symbol]]:
    """Return f and λ after one gradient step, in the inner products |u|², |v|² and u·v, for vectors of any length.

    A vector αu + βv is carried as (α, β). The derivative of L in u is (∂L/∂(u·v)) v, and the other way round.
    """
    symbols = {name: real(name) for name in ("uu", "vv", "uv", "eta")} | {"N": Symbol("N", positive=True)}
    uu, vv, uv, eta, width = (symbols[name] for name in ("uu", "vv", "uv", "eta", "N"))
    loss = (uv / sqrt(width)) ** 2 / 2
    slope = differentiate(loss, uv)
    u, v = (1, -eta * slope), (-eta * slope, 1)

    def inner(a: tuple[Expr | int, Expr | int], b: tuple[Expr | int, Expr | int]) -> Expr:
        return a[0] * b[0] * uu + (a[0] * b[1] + a[1] * b[0]) * uv + a[1] * b[1] * vv

    return inner(u, v) / sqrt(width), (inner(u, u) + inner(v, v)) / width, symbols


def two_number_map(stated: tuple[str, str] = STATED) -> TwoNumberMap:
    """Return the step as a map of the output f and the curvature λ, with the proof that it is the published one.

    >>> found = two_number_map()
    >>> found.map
    Map('f, lamda -> -eta*f*lamda + f + eta**2*f**3/N; lamda + eta**2*f**2*lamda/N - 4*eta*f**2/N')
    >>> [e.verdict.word for e in found.evidence]
    ['proved', 'proved']
    """
    output, curvature, given = gradient_step_of_products()
    f, lamda, width = real("f"), real("lamda"), given["N"]
    two = {given["uv"]: f * sqrt(width), given["uu"]: lamda * width - given["vv"]}
    derived = [expand(expand(e).subs(two, simultaneous=True)) for e in (output, curvature)]
    step = Map(derived, (f, lamda))
    published = Map(list(stated), (f, lamda))
    evidence = []
    for name, ours, theirs in zip(("f", "lamda"), step.exprs, published.exprs, strict=True):
        proof = zero_proof(ours - theirs)
        verdict = Verdict.UNDECIDED if proof is None else Verdict.PROVED
        basis = "inner products of u and v by bilinearity, for vectors of any length"
        method = f"{basis}; {'no proof that the difference vanishes' if proof is None else proof}"
        evidence.append(Evidence(f"after a gradient step {name} is {to_text(theirs)}", verdict, method))
    return TwoNumberMap(step, tuple(evidence))
