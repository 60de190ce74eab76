"""Normal forms of Newton's update of a quadratic: squaring for two distinct roots, halving for a double one."""

import sympy
from sympy import Expr, Poly, Symbol

from symgrad.derivation.identities import zero_proof
from symgrad.derivation.local_theory.problem import newton_problem
from symgrad.derivation.local_theory.values import Conjugacy
from symgrad.evidence import Verdict


def conjugacy_to_square(F: Expr | str, x: Symbol | str) -> Conjugacy | None:
    """Return the coordinate in which Newton's update of a quadratic is z² (or z/2); None for any other function.

    Parameters
    ----------
    F : a·x² + b·x + c, with parameters if wished
    x : the variable

    Returns
    -------
    φ = (x - r1)/(x - r2) with φ∘N = φ² for two roots; φ = x - r with φ∘N = φ/2 for a double root, whose logarithm is a
    translation by -log 2. The identity is proved.

    References
    ----------
    Cayley (1879), The Newton-Fourier imaginary problem, *American Journal of Mathematics* 2.

    Examples
    --------
    >>> found = conjugacy_to_square("x**2 - 1", "x")
    >>> found.coordinate, found.normal_form, found.verdict.name
    ((x + 1)/(x - 1), z**2, 'PROVED')
    """
    problem = newton_problem(F, x, "complex")
    state = problem.state
    if not problem.function.is_polynomial(state) or Poly(problem.function, state).degree() != 2:
        return None
    a, b, c = Poly(problem.function, state).all_coeffs()
    inside = sympy.factor(b**2 - 4 * a * c)
    z = Symbol("z") if state.name != "z" else Symbol("u")
    middle = -b / (2 * a)
    if inside == 0:
        coordinate, normal_form = state - middle, z / 2
        statement = f"{coordinate} is halved by each step; its logarithm moves by -log(2)"
    else:
        root = sympy.sqrt(inside) / (2 * a)
        coordinate = (state - sympy.expand(middle - root)) / (state - sympy.expand(middle + root))
        normal_form = z**2
        statement = f"{coordinate} is squared by each step"
        if inside.is_negative and a.is_real and b.is_real:
            statement += "; it has modulus 1 on the real line, where the step doubles its angle: chaos of rate log(2)"
    moved = coordinate.xreplace({state: problem.update.expr})
    method = zero_proof(sympy.together(moved - normal_form.xreplace({z: coordinate})))
    verdict = Verdict.PROVED if method else Verdict.UNDECIDED
    conditions = [f"{part} != 0" for part in (a, inside) if part.free_symbols]
    return Conjugacy(coordinate, normal_form, z, statement, verdict, method or "", tuple(conditions))
