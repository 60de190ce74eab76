"""The equation F(x) = 0 with its Newton step u = F/F', written as plainly as exact algebra writes it."""

from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Abs, Dummy, Expr, Poly, Symbol
from sympy.polys.polyerrors import BasePolynomialError

from symgrad.derivation.identities import is_zero
from symgrad.errors import InputError
from symgrad.maps import Map, differentiate, expand_activations

LARGEST = 300


@dataclass(frozen=True)
class NewtonProblem:
    """The equation F(x) = 0 and Newton's update N = x - F/F'.

    Parameters
    ----------
    function : F, with activations written out
    state : x
    domain : "real" or "complex"
    """

    function: Expr
    state: Symbol
    domain: str

    @cached_property
    def slope(self) -> Expr:
        """F'."""
        return expand_activations(differentiate(self.function, self.state))

    @cached_property
    def step(self) -> Expr:
        """F/F' with common factors cancelled."""
        return _reduced(self.function / self.slope, self.state)

    @cached_property
    def update(self) -> Map:
        """N(x) = x - F/F'."""
        update = self.state - self.step
        if update.is_rational_function(self.state):
            update = _cancelled(update)
        return Map(update, self.state, domain=self.domain)

    @cached_property
    def derivative(self) -> Expr:
        """N' = F·F''/F'², with common factors cancelled."""
        return _reduced(self.function * differentiate(self.slope, self.state) / self.slope**2, self.state)

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """The symbols beside x, sorted by name."""
        return tuple(sorted(self.function.free_symbols - {self.state}, key=str))


def newton_problem(F: Expr | str, x: Symbol | str, domain: str = "real") -> NewtonProblem:
    """Read F(x) = 0, refusing functions that Newton's step does not exist for.

    Raises
    ------
    InputError : F is constant in x, or F' vanishes identically

    Examples
    --------
    >>> newton_problem("x*exp(-1/x**2)", "x").step
    x**3/(x**2 + 2)
    >>> newton_problem("sign(x)*abs(x)**(1/3)", "x").update
    Map('x -> -2*x')
    """
    entered = Map(F, x, domain=domain)
    expr, state = expand_activations(entered.expr), entered.state[0]
    if state not in expr.free_symbols:
        raise InputError(f"{entered.expr} does not depend on {state.name!r}; name a variable that occurs in it")
    problem = NewtonProblem(expr, state, domain)
    if problem.slope == 0 or is_zero(problem.slope):
        raise InputError(f"the derivative of {entered.expr} is 0 everywhere; Newton's step needs a slope to divide by")
    return problem


def _cancelled(expr: Expr) -> Expr:
    if sympy.count_ops(expr) > LARGEST:
        return expr
    try:
        return sympy.cancel(sympy.together(expr))
    except (BasePolynomialError, NotImplementedError):
        return expr


def _reduced(expr: Expr, x: Symbol) -> Expr:
    """Cancel a quotient; where it holds moduli, as a rational function that is proved to be the same on both sides."""
    plain = _cancelled(expr)
    if not plain.is_rational_function(x) and sympy.count_ops(plain) > sympy.count_ops(expr):
        plain = expr
    if not plain.has(Abs, sympy.sign) or not x.is_real:
        return plain
    t = Dummy("t", positive=True)
    right, left = (_cancelled(sympy.powsimp(plain.xreplace({x: turn * t}))) for turn in (1, -1))
    if not right.is_rational_function(t):
        return plain
    same = is_zero(left - right.xreplace({t: -t}))
    return right.xreplace({t: x}) if same else plain


def rational_quotient(expr: Expr, x: Symbol) -> tuple[Poly, Poly] | None:
    """Return coprime numerator and denominator with integer coefficients; None for no rational function over them.

    >>> from symgrad.symbols import x
    >>> rational_quotient(x / 2 - 1 / x, x)
    (Poly(x**2 - 2, x, domain='ZZ'), Poly(2*x, x, domain='ZZ'))
    """
    if not expr.is_rational_function(x):
        return None
    try:
        top, below = (Poly(part, x) for part in sympy.fraction(sympy.together(sympy.cancel(sympy.together(expr)))))
    except BasePolynomialError:
        return None
    return (top, below) if top.domain == below.domain == sympy.ZZ else None


def rational_polynomial(expr: Expr, x: Symbol) -> Poly | None:
    """Return a polynomial in x with rational coefficients, cleared of denominators; None for anything else.

    >>> from symgrad.symbols import x
    >>> rational_polynomial(x**2 / 2 - 1, x)
    Poly(x**2 - 2, x, domain='ZZ')
    """
    if not expr.is_polynomial(x):
        return None
    polynomial = Poly(expr, x)
    if polynomial.domain not in (sympy.ZZ, sympy.QQ):
        return None
    return polynomial.clear_denoms(convert=True)[1].primitive()[1]
