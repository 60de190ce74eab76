"""Bifurcation curves of the fixed points of maps of two components, where Jury's conditions turn into equalities."""

from collections.abc import Sequence

import sympy
from sympy import Expr

from symgrad.derivation.bifurcations.curves import Bifurcations, Curve, ExactPoint, Names
from symgrad.derivation.bifurcations.cycles import Jury, jury
from symgrad.derivation.bifurcations.fixed_points import finite_at, tidy
from symgrad.derivation.bifurcations.triangular import Branch, solve_triangular, solve_univariate
from symgrad.derivation.identities.proofs import is_zero, zero_proof
from symgrad.evidence import Verdict
from symgrad.maps import Map, to_text
from symgrad.symbols import real


def planar_bifurcations(layer: Map, names: Sequence[str]) -> Bifurcations:
    """Return where a fixed point of a map of two components folds, flips or sheds a closed curve (Neimark–Sacker).

    Parameters
    ----------
    layer : a map of two components whose parameters are those named
    names : one or two parameters

    Examples
    --------
    >>> henon = Map(("1 - a*x**2 + y", "b*x"), ("x", "y"))
    >>> for curve in planar_bifurcations(henon, ["a", "b"]).curves:
    ...     print(curve.kind, curve.expressions["a"], curve.expressions["b"])
    fold -1/x**2 (x - 2)/x
    flip 1/(3*x**2) 1 - 2/(3*x)
    neimark-sacker (1 - 2*x)/x**2 -1
    """
    conditions = jury(layer)
    unknowns = [real(name) for name in names] + list(reversed(layer.state))
    fixed = [e - s for e, s in zip(layer.exprs, layer.state, strict=True)]
    if not all(e.is_rational_function(*layer.state) for e in fixed):
        remark = "no closed form is known for maps of two components with functions of the state; see the conditions"
        return Bifurcations(layer, tuple(names), 1, remarks=(remark,))
    curves: list[Curve] = []
    points: list[ExactPoint] = []
    remarks: list[str] = []
    for kind, margin in conditions.margins.items():
        for branch in solve_triangular([*fixed, margin], unknowns):
            if branch.equation is not None or len(branch.free) != len(names) - 1:
                remarks.append(f"the {kind} condition has a part without closed form here")
            elif _is_identical(layer, margin, branch) is None:
                remarks.append(f"a {kind} solution could not be verified")
            else:
                _add(layer, conditions, tuple(names), kind, branch, curves, points)
    return Bifurcations(layer, tuple(names), 1, tuple(curves), tuple(points), (), (), tuple(dict.fromkeys(remarks)))


def _is_identical(layer: Map, margin: Expr, branch: Branch) -> str | None:
    """Put a branch back: the fixed point and the equality must hold identically on it."""
    at = dict(branch.values)
    residuals = [*(e - s for e, s in zip(layer.exprs, layer.state, strict=True)), margin]
    proofs = [zero_proof(e.xreplace(at)) for e in residuals]
    return None if None in proofs else ", ".join(dict.fromkeys(str(p) for p in proofs))


def _add(
    layer: Map,
    conditions: Jury,
    names: Names,
    kind: str,
    branch: Branch,
    curves: list[Curve],
    points: list[ExactPoint],
) -> None:
    at = {**{s: s for s in branch.free}, **branch.values}
    if not branch.free:
        values = {name: sympy.sympify(at[real(name)], strict=True) for name in names}
        points.append(ExactPoint(kind, 1, values, at[layer.state[0]], {}))
        return
    (free,) = branch.free
    wanted = [*(real(name) for name in names), *(s for s in layer.state if s != free)]
    expressions = {s.name: tidy(at[s], free) for s in wanted}
    if not any(expressions[name].free_symbols for name in names):
        return
    where = [
        f"{free} != {to_text(root)}"
        for e in branch.nonzero
        for root, _ in solve_univariate(e, free).roots
        if not finite_at(expressions, free, root)
    ]
    if kind == "neimark-sacker":
        where.append(f"abs({to_text(tidy(conditions.trace.xreplace(at), free))}) < 2")
    proof = _is_identical(layer, conditions.margins[kind], branch) or ""
    if not any(is_zero(e - free) and s != free for s, e in at.items() if s in layer.state):
        curves.append(
            Curve(kind, 1, free, -sympy.oo, sympy.oo, tuple(dict.fromkeys(where)), expressions, Verdict.PROVED, proof)
        )
