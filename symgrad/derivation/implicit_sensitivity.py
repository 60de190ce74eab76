"""The derivative of Newton's steps in a parameter, and why it tends to the implicit function's: proved by identities.

Newton's map N = x - F/F_x carries the sensitivity s = ∂x/∂θ as s⁺ = N_x s + N_θ. Two identities hold wherever F_x ≠ 0,

    N_x = F F_xx/F_x²,        N_θ = -F_θ/F_x + F F_xθ/F_x²

so that with σ = -F_θ/F_x, at every point and not only at the root,

    s⁺ - σ = (F/F_x²)·(F_xx s + F_xθ)

On F = 0 one step makes s⁺ = σ exactly, whatever s was. Along an orbit that converges to a simple root of a function
with continuous F, F_x, F_xx, F_xθ and F_θ, F tends to 0 while the other factors stay bounded: the errors obey
e⁺ = a e + c with a → 0 and c → 0, and hence tend to 0. The sensitivity after a step is as far from σ as the *previous*
iterate was from the root, up to a constant.
"""

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, Symbol

from symgrad.derivation.identities.proofs import zero_proof
from symgrad.derivation.notation import to_latex
from symgrad.derivation.updates import newton
from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map, differentiate, entered, to_text
from symgrad.symbols import real

SENSITIVITY = "s"


@dataclass(frozen=True)
class ImplicitSensitivity:
    """What the sensitivity of Newton's iterates in a parameter tends to.

    Parameters
    ----------
    F : the function whose root x*(θ) is sought
    x, theta : the unknown and the parameter

    Examples
    --------
    >>> found = implicit_sensitivity("x**2 - a", "x", "a")
    >>> found.value
    1/(2*x)
    >>> found.evidence.verdict.word
    'proved'
    """

    F: Expr
    x: Symbol
    theta: Symbol

    @cached_property
    def update(self) -> Map:
        """Newton's map in x."""
        step = newton(self.F, self.x)
        assert isinstance(step, Map)
        return step

    @cached_property
    def value(self) -> Expr:
        """σ = -F_θ/F_x, the derivative of the root x*(θ) by the implicit function theorem."""
        return -differentiate(self.F, self.theta) / differentiate(self.F, self.x)

    @property
    def recurrence(self) -> Expr:
        """s⁺ = N_x s + N_θ, as the kernels compute it."""
        return self.slope * real(SENSITIVITY) + self.shift

    @property
    def slope(self) -> Expr:
        """N_x."""
        return self.update.jacobian[0][0]

    @property
    def shift(self) -> Expr:
        """N_θ."""
        return self.update.derivative(self.theta.name)[0]

    @property
    def bend(self) -> Expr:
        """F_xx/F_x², by which F enters N_x."""
        first = differentiate(self.F, self.x)
        return differentiate(first, self.x) / first**2

    @property
    def mixed(self) -> Expr:
        """F_xθ/F_x², by which F enters N_θ."""
        first = differentiate(self.F, self.x)
        return differentiate(first, self.theta) / first**2

    @cached_property
    def identities(self) -> tuple[Evidence, Evidence]:
        """N_x = F·F_xx/F_x² and N_θ = -F_θ/F_x + F·F_xθ/F_x², each proved or left open."""
        nonzero = (differentiate(self.F, self.x),)
        return (
            _evidence("N_x = F*F_xx/F_x**2", self.slope - self.F * self.bend, nonzero),
            _evidence(
                "N_theta = -F_theta/F_x + F*F_xtheta/F_x**2", self.shift - self.value - self.F * self.mixed, nonzero
            ),
        )

    @cached_property
    def one_step(self) -> Evidence:
        """On F = 0 the recurrence gives -F_θ/F_x after one step, whatever the sensitivity was before."""
        return _together("at a simple root, N_x*s + N_theta = -F_theta/F_x for every s", self.identities, "F = 0")

    @cached_property
    def evidence(self) -> Evidence:
        """The derivative of n Newton steps in θ tends to -F_θ/F_x along every orbit that converges to a simple root."""
        return _together(
            f"the derivative of n Newton steps in {self.theta} tends to {to_text(self.value)} at the root",
            self.identities,
            "the orbit converges to a root with F_x != 0, where F has continuous second derivatives",
        )

    def latex(self) -> str:
        """Return the limit in LaTeX."""
        return rf"\frac{{\partial {to_latex(self.x)}_n}}{{\partial {to_latex(self.theta)}}} \to {to_latex(self.value)}"


def _evidence(claim: str, difference: Expr, nonzero: tuple[Expr, ...]) -> Evidence:
    proof = zero_proof(difference, nonzero=nonzero)
    if proof is None:
        return Evidence(claim, Verdict.UNDECIDED, "no proof found")
    return Evidence(claim, Verdict.PROVED, proof, domain=tuple(f"{to_text(e)} != 0" for e in nonzero if e.free_symbols))


def _together(claim: str, identities: tuple[Evidence, ...], condition: str) -> Evidence:
    """Return the statement that follows from both identities: s⁺ - σ = (F/F_x²)(F_xx s + F_xθ)."""
    if any(each.verdict is not Verdict.PROVED for each in identities):
        return Evidence(claim, Verdict.UNDECIDED, "an identity it rests on is not proved")
    domain = tuple(dict.fromkeys(part for each in identities for part in each.domain))
    methods = " and ".join(dict.fromkeys(each.method for each in identities))
    return Evidence(
        claim,
        Verdict.PROVED,
        f"s' + F_theta/F_x = F*(F_xx*s + F_xtheta)/F_x**2, by {methods}",
        domain=(*domain, condition),
    )


def implicit_sensitivity(F: Expr | str, x: Symbol | str, theta: Symbol | str) -> ImplicitSensitivity:
    """Return what ∂x_n/∂θ of Newton's iterates tends to, with its proof.

    Parameters
    ----------
    F : the function, in x and θ (and further parameters)

    Raises
    ------
    InputError : x or θ does not occur in F
    """
    unknown, parameter = real(str(x)), real(str(theta))
    expr = Map(entered(F), unknown.name).expr
    if unknown == parameter:
        raise InputError(f"the parameter must differ from the unknown, got {str(theta)!r} for both; name another")
    for symbol in (unknown, parameter):
        if symbol not in expr.free_symbols:
            raise InputError(f"{expr} does not depend on {symbol.name!r}; name a symbol that occurs in it")
    return ImplicitSensitivity(expr, unknown, parameter)
