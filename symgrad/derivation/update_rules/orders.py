"""How fast a rule converges, and its derivative: derived from the rule's own formula, once for every function.

A rule of one component is applied to F with symbols for F, F', F'', …. Differentiating gives its derivative, such as
N' = F F''/F'². Applying it to F's Taylor polynomial about an m-fold root r gives the order of convergence p and the
asymptotic error constant C, N(r + e) - r = C e^p + o(e^p). The coefficient of e^p in a rule that does not change when
F is multiplied by a number depends on no derivative beyond the (m + p - 1)st, so the polynomial stands for every F
with that many continuous derivatives (Traub 1964, *Iterative Methods for the Solution of Equations*, ch. 2 and 5).
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count

import sympy
from sympy import Derivative, Dummy, Expr, Function, Integer, Pow, Symbol, factorial

from symgrad.derivation.identities import zero_proof
from symgrad.derivation.notation import to_latex
from symgrad.derivation.update_rules.registry import Target, UpdateRule
from symgrad.derivation.update_rules.simplifying import divisors
from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict
from symgrad.symbols import real

TAYLOR_TERMS = 5
PRIMES = tuple(Symbol(name) for name in ("F", "F'", "F''", "F'''", *(f"F^({k})" for k in range(4, 24))))
FACTORS = tuple(Symbol(name) for name in ("G", "G'", "G''", "G'''", "G^(4)"))
Options = tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Formulas:
    """A rule of one component, written with the symbols F, F', F'', … for the derivatives.

    Parameters
    ----------
    update : N
    derivative : N', derived from N
    divisors : what N divides by
    proof : the argument that N', as it is written, is N differentiated for every F
    """

    update: Expr
    derivative: Expr
    divisors: tuple[Expr, ...]
    proof: str | None


@dataclass(frozen=True)
class Order:
    """The order of convergence p and the asymptotic error constant C: the next error is C e^p + o(e^p).

    Parameters
    ----------
    order : p; at order 1 the rule converges where abs(C) < 1
    multiplicity : the multiplicity of the root this holds at
    formula : C in the symbols F', F'', … for the derivatives at the root (G, G', … where F = (x - r)^m G)
    constant : C in the root's symbol, None where F's own derivatives do not give it
    root : the symbol that stands for the root
    evidence : the statement, and what it rests on
    """

    order: int
    multiplicity: Expr
    formula: Expr
    constant: Expr | None
    root: Symbol
    evidence: Evidence

    def latex(self) -> str:
        """Return the law of the error in LaTeX."""
        return error_law(self.order, prime_latex(self.formula))


def error_law(order: int, constant: str) -> str:
    """Return e⁺ = C e^p in LaTeX."""
    power = "e" if order == 1 else f"e^{{{order}}}"
    return rf"e^{{+}} = ({constant})\,{power} + o({power})"


def prime_latex(formula: Expr) -> str:
    """Return a formula in F, F', … in LaTeX.

    >>> prime_latex(PRIMES[0] * PRIMES[2] / PRIMES[1] ** 2)
    "\\\\frac{F\\\\,F''}{F'^{2}}"
    """
    text = to_latex(formula)
    for k in range(4, len(PRIMES)):
        text = text.replace(f"F^({k})", f"F^{{({k})}}").replace(f"G^({k})", f"G^{{({k})}}")
    return text


def _in_primes(expr: Expr, F: Expr, x: Expr) -> Expr:
    derivatives = {d: PRIMES[sum(count for _, count in d.variable_count)] for d in expr.atoms(Derivative)}
    return expr.xreplace(derivatives).xreplace({F: PRIMES[0]})


def fresh(name: str, taken: Collection[str], domain: str) -> Symbol:
    """Return a symbol of that name, numbered where the name is taken.

    >>> fresh("r", {"r", "x"}, "real")
    r1
    """
    free = next(each for each in chain((name,), (f"{name}{i}" for i in count(1))) if each not in taken)
    return real(free) if domain == "real" else Symbol(free)


@lru_cache(maxsize=256)
def formulas(rule: UpdateRule, x: Symbol, options: Options) -> Formulas:
    """Apply a rule of one component to an unspecified F, and differentiate what it gives."""
    F = Function("F", real=x.is_real)(x)
    raw = rule.scalar(F, x, **dict(options))
    derivative = _in_primes(sympy.diff(raw, x), F, x)
    factored = sympy.factor(derivative)
    short = min((factored, sympy.expand(factored)), key=lambda e: int(e.count_ops()))
    written = _in_primes(raw, F, x)
    tops = (sympy.fraction(sympy.together(b))[0] for b in divisors(written))
    found = dict.fromkeys(f for top in tops for f, _ in sympy.factor_list(top)[1])
    return Formulas(written, short, tuple(f for f in found if f.has(*PRIMES)), zero_proof(short - derivative))


@dataclass(frozen=True)
class ErrorLaw:
    """Order and error constant of a rule for every F, in the symbols F', F'', …, or G, G', … where F = (x - r)^m G.

    Parameters
    ----------
    order : p
    formula : the asymptotic error constant
    lowest : the lowest derivative of F that is not 0, None for a symbolic multiplicity
    """

    order: int
    formula: Expr
    lowest: int | None


@lru_cache(maxsize=256)
def error_expansion(rule: UpdateRule, multiplicity: Expr, options: Options) -> ErrorLaw:
    """Expand a rule of one component about an m-fold root, or about a stationary point with F'' other than 0.

    >>> from symgrad.derivation.update_rules.registry import UPDATE_RULES
    >>> law = error_expansion(UPDATE_RULES["halley"], Integer(1), ())
    >>> law.order, law.formula
    (3, -F'''/(6*F') + F''**2/(4*F'**2))
    """
    e, lowest = Dummy("e"), multiplicity + (1 if rule.target is Target.STATIONARY else 0)
    if lowest.is_Integer:
        first = int(lowest)
        if first + TAYLOR_TERMS >= len(PRIMES):
            raise InputError(f"the multiplicity must be below {len(PRIMES) - TAYLOR_TERMS}, got {multiplicity}")
        F = sum((PRIMES[k] * e**k / factorial(k) for k in range(first, first + TAYLOR_TERMS)), Integer(0))
    else:
        first = None
        F = e**lowest * sum((FACTORS[k] * e**k / factorial(k) for k in range(TAYLOR_TERMS)), Integer(0))
    error = sympy.fraction(sympy.together(rule.scalar(F, e, **dict(options))))
    (top, above), (bottom, below) = (_leading(part, e) for part in error)
    ratio = sympy.cancel(above / below)
    short = min((ratio, sympy.expand(ratio), sympy.factor(ratio)), key=lambda c: int(c.count_ops()))
    return ErrorLaw(top - bottom, short, first)


def _leading(expr: Expr, e: Symbol) -> tuple[int, Expr]:
    """Return the lowest power of e in a polynomial, powers such as e^m counting as constants, and its coefficient."""
    constant = Dummy("E")

    def split(base: Expr, exponent: Expr) -> Expr:
        number, rest = exponent.as_coeff_Add()
        if base != e or rest == 0:
            return base**exponent
        times, _ = rest.as_coeff_Mul()
        return base**number * constant**times

    terms = sympy.Poly(sympy.expand(expr.replace(Pow, split)), e).terms()
    (power,), coefficient = terms[-1]
    return int(power), coefficient


def proved_order(rule: UpdateRule, law: ErrorLaw, multiplicity: Expr, constant: Expr | None, root: Symbol) -> Order:
    """Return the order with its statement and what it rests on."""
    if rule.target is Target.STATIONARY:
        where, needs = f"at a stationary point {root}", "F'' != 0"
    elif multiplicity == 1:
        where, needs = f"at a simple root {root}", "F' != 0"
    else:
        where, needs = f"at a root {root} of multiplicity {multiplicity}", f"F = (x - {root})**{multiplicity}*G, G != 0"
    power = "e" if law.order == 1 else f"e**{law.order}"
    claim = f"{where} the error e becomes ({law.formula})*{power} + o({power})"
    most = (multiplicity if law.lowest is None else law.lowest) + law.order - 1
    smooth = f"F has {most} continuous derivatives at {root}"
    evidence = Evidence(claim, Verdict.PROVED, "Taylor expansion with symbolic derivatives", domain=(needs, smooth))
    return Order(law.order, multiplicity, law.formula, constant, root, evidence)
