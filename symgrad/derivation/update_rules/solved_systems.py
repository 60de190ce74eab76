"""Steps of several components: the linear system solved by Cramer's rule, its derivative, and how errors shrink."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, ImmutableMatrix, Symbol, factorial

from symgrad.derivation.identities import zero_proof
from symgrad.derivation.notation import to_latex
from symgrad.derivation.update_rules.entering import Problem
from symgrad.derivation.update_rules.orders import Options, fresh
from symgrad.derivation.update_rules.registry import LinearStep, Target, UpdateRule
from symgrad.derivation.update_rules.simplifying import shortest, vanishes
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map, differentiate, to_text

COMPARED = "Cramer's rule, differentiated, against the derivative of the linear system"


def solved(step: LinearStep, unknowns: Sequence[Symbol]) -> tuple[Expr, ...]:
    """Return x + s where ``matrix``·s = -``right``, by Cramer's rule."""
    moves = step.matrix.adjugate() * step.right / step.matrix.det()
    return tuple(x - s for x, s in zip(unknowns, moves, strict=True))


def matrix_latex(matrix: Any) -> str:
    """Return a matrix in LaTeX."""
    return to_latex(tuple(tuple(matrix.row(i)) for i in range(matrix.rows)))


def matrix_text(matrix: Any) -> str:
    """Return a matrix as text, rows separated by ';'.

    >>> matrix_text(ImmutableMatrix([[1, 2], [3, 4]]))
    '[1, 2; 3, 4]'
    """
    return "[" + "; ".join(", ".join(to_text(e) for e in matrix.row(i)) for i in range(matrix.rows)) + "]"


def _jacobian_of_solution(step: LinearStep, unknowns: Sequence[Symbol]) -> ImmutableMatrix:
    """Differentiate A·s = -r: the columns of N' are A⁻¹(A e_k - ∂_k r + (∂_k A) A⁻¹ r)."""
    det, adjugate, columns = step.matrix.det(), step.matrix.adjugate(), []
    for k, x in enumerate(unknowns):
        changed = step.matrix.applyfunc(lambda e, x=x: differentiate(e, x))
        moved = step.right.applyfunc(lambda e, x=x: differentiate(e, x))
        columns.append(adjugate * (step.matrix[:, k] - moved + changed * (adjugate * step.right) / det) / det)
    return ImmutableMatrix.hstack(*columns)


def proved_jacobian(
    step: Map, system: LinearStep | None, raw: Sequence[Expr], kinks: Sequence[Expr]
) -> tuple[ImmutableMatrix, Verdict, str]:
    """Return the derivative of a step, compared with the one derived from the linear system, or from the definition."""
    own = step.jacobian
    if system is None:
        other = ImmutableMatrix([[differentiate(e, s) for s in step.state] for e in raw])
    else:
        other = _jacobian_of_solution(system, step.state)
    rows, methods = [], []
    for i, row in enumerate(own):
        forms = [shortest(e, nonzero=kinks)[0] for e in row]
        rows.append(forms)
        methods += [zero_proof(form - e, nonzero=kinks) for form, e in zip(forms, other.row(i), strict=True)]
    known = [m for m in methods if m is not None]
    if len(known) < len(methods):
        return ImmutableMatrix(own), Verdict.UNDECIDED, f"{COMPARED}: no normal form decided it"
    return ImmutableMatrix(rows), Verdict.PROVED, ", ".join(dict.fromkeys(known))


@dataclass(frozen=True)
class SystemOrder:
    """The order of convergence p of a step of several components: the next error is ``constant`` + o(‖e‖^p).

    Parameters
    ----------
    order : p; at order 1 the rule converges where the spectral radius of the map e ↦ ``constant`` is below 1
    constant : the leading part of the next error, shape (d, 1), homogeneous of degree p in the errors
    root : the symbols that stand for the solution
    errors : the symbols that stand for the components of the error e
    evidence : the statement, and what it rests on
    """

    order: int
    constant: ImmutableMatrix
    root: tuple[Symbol, ...]
    errors: tuple[Symbol, ...]
    evidence: Evidence

    def latex(self) -> str:
        """Return the law of the error in LaTeX."""
        return rf"e^{{+}} = {matrix_latex(self.constant)} + o(\|e\|^{{{self.order}}})"


def system_order(rule: UpdateRule, problem: Problem, options: Options, map_: Map, kinks: Sequence[Expr]) -> SystemOrder:
    """Derive how the error shrinks near a regular solution, from the rule's own formula.

    With F replaced by F - F(r), which has the solution r and is F where F(r) = 0, the next error te + s of the error
    te is A(r + te)⁻¹ g(t), g(t) = t A(r + te) e - (right hand side at r + te); g is expanded at t = 0.
    """
    taken = {s.name for f in problem.functions for s in f.free_symbols} | {s.name for s in map_.state}
    taken |= {s.name for _, value in options for s in value.free_symbols}
    root = tuple(fresh(f"r_{s.name}", taken, problem.domain) for s in problem.unknowns)
    errors = tuple(fresh(f"e_{s.name}", taken, problem.domain) for s in map_.state)
    at_root = dict(zip(problem.unknowns, root, strict=True))
    step = None
    if not rule.velocities:
        applied = rule.formula(_solved_at(rule, problem, at_root), problem.unknowns, **dict(options))
        step = applied if isinstance(applied, LinearStep) else None
    if step is None:
        jacobian = ImmutableMatrix(map_.jacobian).xreplace(at_root)
        return _stated(rule, 1, jacobian * ImmutableMatrix(errors), root, errors, "the derivative of the step")
    for order in (1, 2):
        top = _expansion(step, problem.unknowns, errors, order).xreplace(at_root)
        if order == 2 or not all(vanishes(e) for e in top):
            break
    matrix = step.matrix.xreplace(at_root)
    leading = matrix.adjugate() * top / matrix.det() / factorial(order)
    forms = ImmutableMatrix([shortest(e, nonzero=kinks)[0] for e in leading])
    return _stated(rule, order, forms, root, errors, "Taylor expansion of the linear system at the solution")


def _solved_at(rule: UpdateRule, problem: Problem, at_root: dict[Symbol, Symbol]) -> tuple[Expr, ...]:
    """Return the functions changed so that r is a solution: by F(r), or for a stationary point by F'(r)(x - r)."""
    if rule.target is not Target.STATIONARY:
        return tuple(f - f.xreplace(at_root) for f in problem.functions)
    (f,) = problem.functions
    return (f - Add(*(differentiate(f, x).xreplace(at_root) * (x - r) for x, r in at_root.items())),)


def _expansion(step: LinearStep, unknowns: Sequence[Symbol], errors: Sequence[Symbol], order: int) -> ImmutableMatrix:
    """Return the derivative of that order of t ↦ t A(r + te) e - right(r + te) at t = 0, with x for r."""

    def along(e: Expr) -> Expr:
        return Add(*(differentiate(e, x) * error for x, error in zip(unknowns, errors, strict=True)))

    matrix, right = step.matrix, step.right
    for _ in range(order - 1):
        matrix = matrix.applyfunc(along)
    for _ in range(order):
        right = right.applyfunc(along)
    return ImmutableMatrix(order * matrix * ImmutableMatrix(errors) - right)


def _stated(
    rule: UpdateRule,
    order: int,
    constant: ImmutableMatrix,
    root: tuple[Symbol, ...],
    errors: tuple[Symbol, ...],
    method: str,
) -> SystemOrder:
    where = {
        Target.ROOT: ("at a root with an invertible Jacobian", "det F' != 0"),
        Target.STATIONARY: ("at a stationary point with an invertible second derivative", "det F'' != 0"),
        Target.LEAST_SQUARES: ("at a common root of the residuals", "F' has full column rank"),
    }
    phrase, needs = where[rule.target]
    names = ", ".join(r.name for r in root)
    claim = f"{phrase} ({names}) the error e becomes {matrix_text(constant)} + o(|e|**{order})"
    smooth = f"F has {order + (1 if rule.target is Target.STATIONARY else 0)} continuous derivatives there"
    evidence = Evidence(claim, Verdict.PROVED, method, domain=(needs, smooth))
    return SystemOrder(order, constant, root, errors, evidence)
