"""A rational normal form over formal exponentials, roots and functions, in which being zero can be read off.

Every node of an expression is written as a rational function of *generators*: symbols, functions as atoms, and one
exponential exp(m) per monomial m that occurs in an exponent. A power b**e is exp(e log b), so powers, roots, numbers
such as sqrt(2) and the imaginary unit exp(iπ/2) are exponentials as well, with the relation exp(log f) = f. At every
point where the expression is defined every relation used holds, so a numerator that the relations reduce to 0 proves
that the expression is 0 there. Logarithms and roots are taken apart only by factors known to be positive; principal
values throughout (Bronstein, *Symbolic Integration I*, 2005, ch. 9, for the field exponentials and logarithms make).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import lcm
from typing import Any

import sympy
from sympy import Dummy, Expr, Integer, Pow, Rational, S, Symbol
from sympy.polys.domains import QQ
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from symgrad.derivation.identities.factored_fractions import (
    MAX_NUMBER_BITS,
    Fraction,
    Frame,
    TooHardError,
    cyclotomic,
    degree,
    divisor,
    expanded,
    product,
    raised,
    substituted,
    times,
    total,
)

MAX_GCD_TERMS = 120
MAX_GCD_DEGREE = 60
MAX_ROOT_OF_UNITY = 60


@dataclass
class Generators:
    """The generators of one expression in order of creation, and the relations among them.

    ``relation[g] = (k, v)`` states g**k = v, where v uses only generators made before g.
    """

    monomial: dict[Symbol, Expr] = field(default_factory=dict)
    known: dict[tuple[object, ...], Symbol] = field(default_factory=dict)
    argument: dict[Symbol, tuple[Any, Expr]] = field(default_factory=dict)
    relation: dict[Symbol, tuple[int, Expr]] = field(default_factory=dict)
    rank: dict[Symbol, int] = field(default_factory=dict)
    positive: set[Symbol] = field(default_factory=set)
    real: set[Symbol] = field(default_factory=set)
    pi: Symbol = field(default_factory=lambda: Dummy("pi"))
    unit: Symbol = field(default_factory=lambda: Dummy("exp(i*pi)"))

    def __post_init__(self) -> None:
        self.enter(self.pi, positive=True)
        self.enter(self.unit)
        self.monomial[self.unit] = self.i * self.pi
        self.known[("exp", self.i * self.pi)] = self.unit

    @property
    def i(self) -> Expr:
        """The imaginary unit, exp(iπ)**(1/2)."""
        return sympy.sqrt(self.unit)

    def enter(self, generator: Symbol, *, real: bool = False, positive: bool = False) -> Symbol:
        """Enter a new generator after all others."""
        self.rank[generator] = len(self.rank)
        if real or positive:
            self.real.add(generator)
        if positive:
            self.positive.add(generator)
        return generator

    def is_positive(self, generator: Symbol) -> bool:
        """Say whether a generator is known to be positive."""
        return generator in self.positive or generator.is_positive is True

    def _is_above_one(self, generator: Symbol) -> bool:
        """Say whether a generator is the exponential of a product of powers of positive generators."""
        exponent = self.monomial.get(generator, S.Zero)
        return bool(exponent.free_symbols) and all(
            f.is_positive or self.is_positive(f.as_base_exp()[0]) for f in sympy.Mul.make_args(exponent)
        )

    def is_real(self, expr: Expr) -> bool:
        """Say whether an expression in generators is known to be real."""
        if not all(g in self.real or g.is_real is True for g in expr.free_symbols):
            return False
        return all(self.is_positive(p.base) for p in expr.atoms(Pow) if not p.exp.is_Integer)

    def frame(self, *exprs: Expr) -> Frame:
        """Return the ring of all generators of the expressions and of the relations these need."""
        orders: dict[Symbol, int] = {}
        queue = list(exprs)
        while queue:
            expr = queue.pop()
            for symbol in expr.free_symbols:
                if symbol not in orders:
                    orders[symbol] = 1
                    queue += [self.relation[symbol][1]] if symbol in self.relation else []
            for power in expr.atoms(Pow):
                if power.exp.is_Rational and not power.exp.is_Integer:
                    orders[power.base] = lcm(orders[power.base], int(power.exp.q))
        if orders.get(self.unit, 1) > MAX_ROOT_OF_UNITY:
            raise TooHardError("a root of unity of high order")
        symbols = sorted(orders, key=lambda g: (-self.rank.get(g, -1), g.name))
        ring = PolyRing([f"t{place}" for place in range(max(1, len(symbols)))], QQ, lex)
        return Frame(ring, tuple(symbols), tuple(orders[g] for g in symbols))

    def fraction(self, expr: Expr, frame: Frame) -> Fraction:
        """Return a rational expression in generators as reduced numerator and factored denominator."""
        if expr.is_Rational:
            return frame.ring.ground_new(QQ(int(expr.p), int(expr.q))), {}
        if expr.is_Symbol:
            return frame.power(expr, S.One)
        if expr.is_Add:
            num, den = total((self.fraction(a, frame) for a in expr.args), frame.ring)
        elif expr.is_Mul:
            num, den = frame.ring.one, {}
            for factor in expr.args:
                num, den = product((num, den), self.fraction(factor, frame))
        elif expr.is_Pow and expr.exp.is_Integer:
            num, den = self._integer_power(self.fraction(expr.base, frame), int(expr.exp))
        elif expr.is_Pow and expr.base.is_Symbol and expr.exp.is_Rational:
            num, den = frame.power(expr.base, expr.exp)
        else:
            raise TooHardError(f"no normal form for {type(expr).__name__}")
        return self.reduced(num, den, frame)

    def _integer_power(self, base: Fraction, exponent: int) -> Fraction:
        num, den = base
        if exponent >= 0:
            return raised(num, exponent), {b: e * exponent for b, e in den.items()}
        if not num:
            raise TooHardError("division by zero")
        constant, factors = divisor(num)
        top = times(raised(expanded(den, num.ring.one), -exponent), raised(constant, -exponent))
        return top, {b: -e * exponent for b, e in factors.items()}

    def reduced(self, num: PolyElement, den: dict[PolyElement, int], frame: Frame) -> Fraction:
        """Reduce the numerator by every relation, the latest generator first."""
        for place, generator in enumerate(frame.generators):
            if generator == self.unit:
                num = num.rem([cyclotomic(frame.ring.gens[place], frame.orders[place])])
            elif generator in self.relation:
                power, value = self.relation[generator]
                order = power * frame.orders[place]
                if num and num.degree(frame.ring.gens[place]) >= order:
                    if place not in frame.values:
                        frame.values[place] = self.fraction(value, frame)
                    num, den = substituted(num, den, place, order, frame.values[place])
        return num, den

    def canonical(self, expr: Expr) -> tuple[PolyElement, PolyElement, Frame]:
        """Return numerator and denominator without a common factor, and their ring."""
        frame = self.frame(expr)
        num, den = self.fraction(expr, frame)
        bottom, _ = self.reduced(expanded(den, frame.ring.one), {}, frame)
        if not bottom:
            raise TooHardError("division by zero")
        if bottom.is_ground:
            return num.quo_ground(bottom.LC), frame.ring.one, frame
        if max(len(num), len(bottom)) > MAX_GCD_TERMS or degree(num) + degree(bottom) > MAX_GCD_DEGREE:
            raise TooHardError("a fraction too large to cancel")
        top, bottom = num.cancel(bottom)
        return top.quo_ground(bottom.LC), bottom.quo_ground(bottom.LC), frame

    def sign(self, polynomial: PolyElement, frame: Frame) -> int:
        """Return 1 or -1 where a polynomial is known to be positive or negative, else 0."""
        signs = {1 if c > 0 else -1 for c in polynomial.coeffs()}
        free = [self.is_positive(g) for g in frame.generators]
        real = [
            self.is_real(g) and (order == 1 or up)
            for g, order, up in zip(frame.generators, frame.orders, free, strict=True)
        ]
        used = [place for place, g in enumerate(frame.ring.gens[: len(free)]) if polynomial.degree(g) > 0]
        if not all(real[place] for place in used):
            return 0
        clear = all(m[place] % 2 == 0 or free[place] for m in polynomial.monoms() for place in used)
        strict = any(all(m[place] == 0 or free[place] for place in used) for m in polynomial.monoms())
        if len(signs) == 1 and clear and strict:
            return int(signs.pop())
        if len(used) == 1 and 0 < polynomial.degree(frame.ring.gens[used[0]]) <= 12:
            x = Dummy("x")
            univariate = sympy.Poly(polynomial.as_expr(*[x] * len(frame.ring.gens)), x)
            if self._is_above_one(frame.generators[used[0]]):
                if univariate.degree() == 1 and univariate.eval(1) == 0:
                    return 1 if univariate.LC() > 0 else -1
                if univariate.eval(1) != 0 and univariate.count_roots(inf=1) == 0:
                    return 1 if univariate.eval(1) > 0 else -1
            if univariate.count_roots(inf=0 if free[used[0]] else None) == 0:
                return 1 if univariate.eval(1) > 0 else -1
        return 0


def terms(table: Generators, expr: Expr) -> Iterator[tuple[Rational, Expr]]:
    """Yield (rational coefficient, monomial) of a canonical sum equal to a rational expression in generators."""
    num, den, frame = table.canonical(expr)
    if len(den) > 1:
        quotient, num = num.div(den)
        yield from _monomials(quotient, frame, S.One)
        if num:
            constant = num.LC
            yield _rational(constant), frame.expression(num.quo_ground(constant)) / frame.expression(den)
    else:
        yield from _monomials(num, frame, frame.expression(den))


def _monomials(num: PolyElement, frame: Frame, below: Expr) -> Iterator[tuple[Rational, Expr]]:
    for monom, c in num.terms():
        yield _rational(c), frame.expression(num.ring.from_dict({monom: QQ(1)})) / below


def _rational(c: Any) -> Rational:
    return Rational(int(c.numerator), int(c.denominator))


def written(table: Generators, expr: Expr) -> Expr:
    """Return the canonical form of a rational expression in generators, as an expression."""
    num, den, frame = table.canonical(expr)
    return frame.expression(num) / frame.expression(den)


def exponential(table: Generators, exponent: Expr) -> Expr:
    """Return exp(exponent) as a product of powers of generators."""
    result: Expr = S.One
    for q, monomial in terms(table, exponent):
        base = _exponential_generator(table, monomial)
        value = table.relation.get(base)
        if abs(q) > MAX_NUMBER_BITS:
            raise TooHardError("a high power of a generator")
        result *= value[1] ** q if value and value[0] == 1 and q.is_Integer else base**q
    return result


def _exponential_generator(table: Generators, m: Expr) -> Symbol:
    key = ("exp", m)
    if key not in table.known:
        relation = _exponential_relation(table, m)
        generator = table.enter(Dummy("exp"), positive=table.is_real(m))
        table.monomial[generator] = m
        if relation is not None:
            table.relation[generator] = relation
        table.known[key] = generator
    return table.known[key]


def _exponential_relation(table: Generators, m: Expr) -> tuple[int, Expr] | None:
    """Return (k, v) with exp(m)**k = v where exp(m) is algebraic over earlier generators."""
    function, u = table.argument.get(m, (None, S.Zero))
    if function is sympy.log:
        return 1, u
    turn = m / table.i
    function, u = table.argument.get(turn, (None, S.Zero))
    if function is sympy.atan and table.is_real(u):
        return 1, (1 + table.i * u) * exponential(table, -logarithm(table, 1 + u**2) / 2)
    if function is sympy.asin:
        return 1, table.i * u + exponential(table, logarithm(table, 1 - u**2) / 2)
    half_turns = turn / table.pi
    if not half_turns.free_symbols & table.rank.keys() and half_turns.is_integer:
        return 2, S.One
    return None


def atom(
    table: Generators, function: Any, arguments: tuple[Expr, ...], *, real: bool, positive: bool = False
) -> Symbol:
    """Return the generator that stands for function(*arguments)."""
    key = (function, *arguments)
    if key not in table.known:
        table.known[key] = table.enter(Dummy("atom"), real=real, positive=positive)
        table.argument[table.known[key]] = (function, arguments[0])
    return table.known[key]


def modulus(table: Generators, expr: Expr) -> Expr:
    """Return |expr| for a real expression, through one generator a with a**2 = f**2 per factor f of unknown sign."""
    num, den, frame = table.canonical(expr)
    result: Expr = S.One if num else S.Zero
    for polynomial, side in ((num, 1), (den, -1)) if num else ():
        constant, factors = _factors(polynomial)
        result *= abs(constant) ** side
        for f, e in factors:
            sign = table.sign(f, frame)
            value = frame.expression(f)
            result *= (value * sign if sign else _modulus_generator(table, value)) ** (side * e)
    return result


def _modulus_generator(table: Generators, value: Expr) -> Symbol:
    generator = atom(table, sympy.Abs, (value,), real=True)
    table.relation[generator] = (2, value**2)
    return generator


def _factors(polynomial: PolyElement) -> tuple[Rational, list[tuple[PolyElement, int]]]:
    """Factor a polynomial over the rationals into a constant and factors with leading coefficient 1."""
    if len(polynomial) > MAX_GCD_TERMS or degree(polynomial) > MAX_GCD_DEGREE:
        raise TooHardError("a polynomial too large to factor")
    constant, factors = polynomial.factor_list()
    result = _rational(constant)
    monic = []
    for f, e in factors:
        result *= _rational(f.LC) ** e
        monic.append((f.quo_ground(f.LC), e))
    return result, monic


def logarithm(table: Generators, expr: Expr, *, integer: bool = False) -> Expr:
    """Return log(expr), principal value; with ``integer``, any l such that exp(m l) = expr**m for every integer m."""
    num, den, frame = table.canonical(expr)
    if not num:
        raise TooHardError("the logarithm of zero")
    result: Expr = S.Zero
    rest: Expr = S.One
    negative = False
    for polynomial, side in ((num, 1), (den, -1)):
        constant, factors = _factors(polynomial)
        negative ^= constant < 0
        for prime, e in sympy.factorrat(abs(constant), limit=10**5).items():
            result += side * e * log_generator(table, Integer(prime), positive=True)
        for f, e in factors:
            value, sign = frame.expression(f), table.sign(f, frame)
            if sign < 0 and not integer:
                value, negative = -value, negative ^ (e % 2 == 1)
            if integer or sign:
                result += side * e * _log_of_factor(table, value, positive=sign != 0)
            elif table.is_real(value):
                odd = e % 2
                even = side * e - odd
                result += even * log_generator(table, _modulus_generator(table, value), positive=True) if even else 0
                rest *= value**odd
            else:
                rest *= value ** (side * e)
    if rest != 1:
        return result + log_generator(table, written(table, -rest if negative else rest), positive=False)
    return result + (table.i * table.pi if negative else 0)


def _log_of_factor(table: Generators, value: Expr, *, positive: bool) -> Expr:
    """Return log(value), which is the exponent itself where value is a root of an exponential."""
    base, exponent = value.as_base_exp()
    if base in table.monomial:
        return exponent * table.monomial[base]
    return log_generator(table, value, positive=positive)


def log_generator(table: Generators, value: Expr, *, positive: bool) -> Symbol:
    """Return the generator that stands for log(value)."""
    return atom(table, sympy.log, (value,), real=positive)


def known_sign(table: Generators, expr: Expr) -> tuple[int, bool]:
    """Return the sign an expression has wherever it is defined, and whether it is never 0 there.

    Returns
    -------
    (1, strict) or (-1, strict) where every factor of unknown sign occurs to an even power; (0, True) for an expression
    that is 0; (0, False) where nothing is known
    """
    num, den, frame = table.canonical(expr)
    if not num:
        return 0, True
    result, strict = 1, True
    for polynomial, above in ((num, True), (den, False)):
        constant, factors = _factors(polynomial)
        result *= 1 if constant > 0 else -1
        for f, e in factors:
            sign, value = table.sign(f, frame), frame.expression(f)
            if not table.is_real(value):
                return 0, False
            if sign == 0:
                if e % 2 and table.argument.get(value, (None,))[0] is not sympy.Abs:
                    return 0, False
                strict = strict and not above
            result *= (sign or 1) ** e
    return result, strict
