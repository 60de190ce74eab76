"""Update rules for the roots of one function of one unknown."""

from sympy import Expr

from symgrad.derivation.update_rules.registry import update_rule
from symgrad.maps import differentiate


@update_rule()
def newton(F: Expr, x: Expr) -> Expr:
    """Newton's step, the root of the tangent: x - F/F' (Raphson 1690; Traub 1964, sec. 1.2)."""
    return x - F / differentiate(F, x)


@update_rule()
def damped(F: Expr, x: Expr, *, h: Expr) -> Expr:
    """Newton's step shortened by a factor h, x - h F/F' (Traub 1964, sec. 1.2; also called relaxed)."""
    return x - h * F / differentiate(F, x)


@update_rule()
def schroder(F: Expr, x: Expr, *, m: Expr) -> Expr:
    """Newton's step towards a root of known multiplicity m, x - m F/F' (Schröder 1870, Math. Ann. 2)."""
    return x - m * F / differentiate(F, x)


@update_rule()
def schroder_modified(F: Expr, x: Expr) -> Expr:
    """Newton's step of F/F', whose roots are all simple: x - F F'/(F'^2 - F F'') (Schröder 1870, Math. Ann. 2)."""
    quotient = F / differentiate(F, x)
    return x - quotient / differentiate(quotient, x)


@update_rule()
def halley(F: Expr, x: Expr) -> Expr:
    """Halley's step, the root of the osculating hyperbola: x - 2 F F'/(2 F'^2 - F F'') (Halley 1694; Traub 1964)."""
    slope = differentiate(F, x)
    return x - 2 * F * slope / (2 * slope**2 - F * differentiate(slope, x))
