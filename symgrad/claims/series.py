"""The values of limits, infinite sums and infinite products, each with the theorem it rests on, or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer, Mul, S, Symbol

from symgrad.budget import NoAnswer, within
from symgrad.claims.conditions import Requirement
from symgrad.claims.effort import within_effort
from symgrad.claims.facts import Facts
from symgrad.claims.limits import expanded_limit, sure_limit
from symgrad.claims.operations import Operation
from symgrad.claims.rational_sums import alternating_sum, known_product, rational_sum
from symgrad.derivation.identities.proofs import is_zero, zero_proof
from symgrad.derivation.products.decision import decide, exact_limit, numeric_limit, with_limit
from symgrad.derivation.products.product_domains import read_sequence
from symgrad.derivation.products.product_limits import ProductLimit
from symgrad.derivation.vocabulary import Regime, Sign
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import expand_activations
from symgrad.parsing import Condition

# Of the processor; the clock of a busy machine may run further.
EFFORT_SECONDS = 1.5
SECONDS = 20.0
LARGEST_SUMMAND = 40
LATEST_START = 20
TERMS_STAY = "the terms do not tend to 0"


@dataclass(frozen=True)
class Value:
    """What is known about an operator's value.

    Parameters
    ----------
    value : an expression; ±oo or nan where there is provably no finite value; None where nothing is known
    method : the argument
    verdict : PROVED, or SUPPORTED for a value nobody proved
    """

    value: Expr | None
    method: str
    verdict: Verdict = Verdict.PROVED

    @property
    def diverges(self) -> bool:
        """Whether there is provably no finite value."""
        return self.value in (S.Infinity, S.NegativeInfinity, S.NaN) and self.verdict is Verdict.PROVED


UNKNOWN = Value(None, "the value is not known", Verdict.UNDECIDED)


def value_of(operation: Operation, facts: Facts, known: Mapping[Symbol, Expr]) -> Value:
    """Return the value of an infinite operator; ``known`` are values of the operators inside it."""
    body = operation.body.xreplace(dict(known))
    if not _always_defined(operation, facts):
        return UNKNOWN
    if operation.kind == "limit":
        found = sure_limit(expand_activations(body), operation.index, facts)
        return UNKNOWN if found is None else Value(found, "the algebra of limits")
    if not operation.low.is_Integer:
        return UNKNOWN
    if operation.kind == "product":
        nonzero = [r.subject for r in facts.requirements if r.condition is Condition.NONZERO]
        nonzero += [s for s in body.free_symbols if facts.positive(s) or facts.positive(-s)]
        return _doubled(body, operation, facts) or _product(body, operation, nonzero)
    return _sum(body, operation, facts)


def _always_defined(operation: Operation, facts: Facts) -> bool:
    """Say whether every term has a value: from the first index on, or for a limit from some index on."""
    index = operation.index
    for subject, condition in operation.conditions:
        ways = [[subject]] if operation.kind == "limit" else _from(subject, index, operation.low)
        if any(all(_met(part, condition, facts) for part in way) for way in ways):
            continue
        if operation.kind != "limit" or not _eventually(subject, condition, index, facts):
            return False
    return True


def _from(expr: Expr, k: Symbol, low: Expr) -> list[list[Expr]]:
    """Return an expression for all k >= low, in two ways written by a symbol of known sign."""
    positive = sympy.Dummy("k", integer=True, positive=True)
    return [[expr.xreplace({k: low - 1 + positive})], [expr.xreplace({k: low + positive}), expr.xreplace({k: low})]]


def _met(part: Expr, condition: Condition, facts: Facts) -> bool:
    if Requirement(part, condition, "").is_always_met:
        return True
    if condition is Condition.REAL_POWER:
        return facts.positive(part.as_base_exp()[0])
    if condition in (Condition.NONZERO, Condition.POSITIVE) and facts.positive(part):
        return True
    return condition is Condition.NONZERO and (facts.positive(-part) or _power_of_nonzero(part, facts))


def _power_of_nonzero(expr: Expr, facts: Facts) -> bool:
    base, exponent = expr.as_base_exp()
    return bool(exponent.is_integer) and (facts.positive(base) or facts.positive(-base))


def _eventually(subject: Expr, condition: Condition, n: Symbol, facts: Facts) -> bool:
    """Say whether a part in n satisfies its condition from some n on, because its limit does strictly."""
    found = sure_limit(subject, n, facts)
    if found is None or found is S.NaN:
        return False
    positive = found is S.Infinity or facts.positive(found)
    if condition is Condition.NONZERO:
        rational = subject.free_symbols == {n} and subject.is_rational_function(n) and not is_zero(subject)
        return positive or rational or found is S.NegativeInfinity or facts.positive(-found)
    return positive and condition in (Condition.POSITIVE, Condition.NONNEGATIVE)


def _doubled(body: Expr, operation: Operation, facts: Facts) -> Value | None:
    """Multiply 1 + b**(2**k) from k = low, for -1 < b < 1: times 1 - b**(2**low) it telescopes."""
    k, power = operation.index, body - 1
    base, exponent = power.as_base_exp()
    base, exponent = (1 / base, -exponent) if exponent.could_extract_minus_sign() else (base, exponent)
    if k in base.free_symbols or exponent != 2**k or not operation.low.is_nonnegative:
        return None
    if not (facts.positive(1 - base) and facts.positive(1 + base)):
        return None
    return Value(1 / (1 - base ** (2**operation.low)), "the product with 1 - x telescopes, as (1 - y)(1 + y) = 1 - y^2")


def proved_product(factor: Expr) -> ProductLimit:
    """Decide a product over k >= 1, with its limit where that is known exactly and agrees with the numbers."""
    sequence = read_sequence(factor, index="k", start=1, depth=None)
    found = decide(sequence)
    settles = found.regime in (Regime.CONSTANT, Regime.ALTERNATING) and found.verdict is Verdict.PROVED
    exact = exact_limit(sequence) if settles else None
    return found if exact is None else with_limit(found, exact, numeric_limit(sequence))


def _product(body: Expr, operation: Operation, nonzero: Sequence[Expr]) -> Value:
    if body.free_symbols - {operation.index}:
        known = known_product(body, operation.index, int(operation.low), nonzero)
        return UNKNOWN if known is None else Value(known, "Euler's products of the circular functions")
    k = Symbol("k", integer=True, positive=True)
    try:
        shifted = body.xreplace({operation.index: k + operation.low - 1})
        found = within(SECONDS, within_effort, EFFORT_SECONDS, proved_product, shifted)
    except InputError:
        return UNKNOWN
    if found is None or isinstance(found, NoAnswer) or found.verdict is not Verdict.PROVED:
        return UNKNOWN
    if found.regime in (Regime.ZERO, Regime.VANISHING):
        return Value(S.Zero, found.reason)
    if found.regime is Regime.CONSTANT and found.limit is not None:
        return Value(found.limit, found.reason)
    if found.regime is Regime.EXPLODING:
        return Value(S.Infinity if found.sign is Sign.CONSTANT else S.NaN, found.reason)
    return Value(S.NaN, found.reason) if found.regime is Regime.ALTERNATING else UNKNOWN


def _sum(body: Expr, operation: Operation, facts: Facts) -> Value:
    k, low = operation.index, operation.low
    if zero_proof(body):
        return Value(S.Zero, "every term is 0")
    telescoped = _telescoped(body, k, low, facts)
    if telescoped is not None:
        return telescoped
    term = sure_limit(_in_one_power(body, k), k, facts)
    if term is not None and term is not S.Zero and (term is S.NaN or _nonzero(term, facts)):
        return Value(_end_of_sum(term, facts), TERMS_STAY)
    if body.free_symbols == {k} and body.is_rational_function(k):
        return _rational_sum(body, k, low)
    if body.free_symbols == {k} and low.is_Integer:
        total = alternating_sum(body, k, int(low))
        if total is not None:
            return Value(total, "terms added in pairs, partial fractions, with Euler's and Gauss's values")
    return _logarithmic(body, k, low, facts) or _arctangent(body, k, low, facts) or UNKNOWN


def _in_one_power(body: Expr, k: Symbol) -> Expr:
    """Return R(k)·r**k for a product of powers of rational numbers whose exponents are linear in k."""
    ratio, rest = S.One, S.One
    for factor in Mul.make_args(body):
        base, exponent = factor.as_base_exp()
        slope = exponent.diff(k) if base.is_Rational else S.Zero
        if slope.is_Integer and slope != 0:
            ratio, factor = ratio * base**slope, base ** sympy.expand(exponent - slope * k)
        rest *= factor
    return rest * ratio**k


def _end_of_sum(term: Expr, facts: Facts) -> Expr:
    """Return oo or -oo for terms that keep one sign in the end, nan where the sum only has no finite value."""
    if term is S.Infinity or facts.positive(term):
        return S.Infinity
    return S.NegativeInfinity if term is S.NegativeInfinity or facts.positive(-term) else S.NaN


def _nonzero(term: Expr, facts: Facts) -> bool:
    infinite = term in (S.Infinity, S.NegativeInfinity)
    return infinite or facts.positive(term) or facts.positive(-term)


def _telescoped(body: Expr, k: Symbol, low: Expr, facts: Facts) -> Value | None:
    """Return lim T(k) - T(low) for a T with T(k+1) - T(k) = body, which is proved, not trusted."""
    for primitive in _primitives(body, k):
        later = primitive.xreplace({k: k + 1})
        if zero_proof(later - primitive - body) is None or not _has_no_pole(primitive, k, low):
            continue
        end = sure_limit(primitive, k, facts)
        if end is None:
            continue
        if end in (S.Infinity, S.NegativeInfinity, S.NaN):
            return Value(end, "the partial sums, summed by telescoping, have no finite limit")
        return Value(end - primitive.xreplace({k: low}), "telescoping, proved by differences, and its limit")
    return None


def _has_no_pole(primitive: Expr, k: Symbol, low: Expr) -> bool:
    """Say whether every denominator that contains k is proved to be nonzero for k >= low."""
    below = sympy.fraction(sympy.together(primitive))[1]
    for factor in Mul.make_args(sympy.factor(below)):
        base, exponent = factor.as_base_exp()
        if k not in base.free_symbols:
            continue
        nonzero = any(
            all(Requirement(part, Condition.NONZERO, "").is_always_met for part in way) for way in _from(base, k, low)
        )
        if not exponent.is_Integer or not nonzero:
            return False
    return True


def closed_sum(operation: Operation, facts: Facts) -> Expr | None:
    """Return a finite sum in closed form, T(high + 1) - T(low) with proved differences; None where none is found."""
    if operation.kind != "sum" or not _always_defined(operation, facts):
        return None
    if not facts.positive(operation.high - operation.low + 1, strict=False):
        return None
    k, low = operation.index, operation.low
    for primitive in _primitives(operation.body, k):
        later = primitive.xreplace({k: k + 1})
        if zero_proof(later - primitive - operation.body) and _has_no_pole(primitive, k, low):
            return primitive.xreplace({k: operation.high + 1}) - primitive.xreplace({k: low})
    return None


def _primitives(body: Expr, k: Symbol) -> list[Expr]:
    """Return candidates for T with T(k+1) - T(k) = body."""
    if sympy.count_ops(body) > LARGEST_SUMMAND:
        return []
    found: list[Expr] = []
    ratio = _ratio(body, k)
    if ratio is not None:
        found.append(body / (ratio - 1))
        found += _polynomial_times_power(body, ratio, k)
    if body.is_rational_function(k):
        from sympy.concrete.gosper import gosper_term

        try:
            term = gosper_term(body, k)
        except (ValueError, NotImplementedError, sympy.PolynomialError, ZeroDivisionError, TypeError):
            term = None
        if term is not None:
            found.append(sympy.factor(term * body))
    return found


def _ratio(body: Expr, k: Symbol) -> Expr | None:
    """Return r where body is P(k)·r**k for a polynomial P, None where there is no such r or it is 1."""
    ratio = S.One
    for factor in Mul.make_args(body):
        base, exponent = factor.as_base_exp()
        if k in exponent.free_symbols and k not in base.free_symbols:
            slope = exponent.diff(k)
            if not slope.is_Integer and not (base == S.Exp1 and k not in slope.free_symbols):
                return None
            ratio *= base**slope
        elif k in factor.free_symbols and not factor.is_polynomial(k):
            return None
    return None if ratio == 1 else ratio


def _polynomial_times_power(body: Expr, ratio: Expr, k: Symbol) -> list[Expr]:
    """Return Q(k)·r**k with r Q(k+1) - Q(k) = P(k)."""
    power = Mul(*[f for f in Mul.make_args(body) if k in f.as_base_exp()[1].free_symbols])
    poly = sympy.Poly(body / power, k) if (body / power).is_polynomial(k) else None
    if poly is None or not 1 <= poly.degree() <= 4:
        return []
    rest, answer = poly.as_expr(), S.Zero
    for degree in range(poly.degree(), -1, -1):
        lead = sympy.Poly(rest, k).coeff_monomial(k**degree) / (ratio - 1)
        answer += lead * k**degree
        rest = sympy.expand(poly.as_expr() - (ratio * answer.subs(k, k + 1) - answer))
        rest = sympy.Poly({m: sympy.cancel(c) for m, c in sympy.Poly(rest, k).terms()}, k).as_expr()
    return [answer * power]


def _rational_sum(body: Expr, k: Symbol, low: Expr) -> Value:
    """Sum a rational function: where it is a sum of c/k**(2m); divergent where it decays like 1/k or less."""
    above, below = (sympy.Poly(part, k) for part in sympy.fraction(sympy.together(body)))
    if below.degree() - above.degree() < 2:
        sign = 1 if (above.LC() > 0) == (below.LC() > 0) else -1
        return Value(sign * S.Infinity, "the terms are at least a multiple of 1/k in the end")
    total = rational_sum(body, k, int(low))
    return UNKNOWN if total is None else Value(total, "partial fractions, with Euler's and Gauss's values")


def _logarithmic(body: Expr, k: Symbol, low: Expr, facts: Facts) -> Value | None:
    """Sum c·r**(k + d)/k from k = 1: the logarithmic series, for -1 <= r < 1."""
    ratio = _ratio(body * k, k)
    if low != 1 or ratio is None:
        return None
    constant = body * k / ratio**k
    if sympy.simplify(constant).has(k) or zero_proof(body - sympy.simplify(constant) * ratio**k / k) is None:
        return None
    if not (facts.positive(1 - ratio) and facts.positive(1 + ratio, strict=False)):
        return None
    return Value(-sympy.simplify(constant) * sympy.log(1 - ratio), "the logarithmic series, with Abel's theorem at -1")


def _arctangent(body: Expr, k: Symbol, low: Expr, facts: Facts) -> Value | None:
    """Sum c·r**k/(2k + 1): the series of the arctangent for -1 <= r <= 0, of artanh for 0 <= r < 1."""
    terms = body * (2 * k + 1)
    ratio = _ratio(terms, k)
    if not 0 <= low <= LATEST_START or ratio is None or zero_proof(terms.xreplace({k: k + 1}) - ratio * terms) is None:
        return None
    constant = terms.subs(k, 0)
    for turn, function in ((-1, sympy.atan), (1, sympy.atanh)):
        root = sympy.powdenest(sympy.sqrt(turn * ratio), force=True)
        if zero_proof(root**2 - turn * ratio) is None:
            continue
        inside = all(facts.positive(part, strict=turn > 0) for part in (1 - root, 1 + root))
        scale = sympy.cancel(constant / root)
        if inside and facts.nonzero(sympy.fraction(scale)[1]):
            missing = sum((body.xreplace({k: Integer(j)}) for j in range(int(low))), S.Zero)
            return Value(
                scale * function(root) - missing, "the power series of the arctangent, with Abel's theorem at 1"
            )
    return None


def supported_limit(operation: Operation) -> Value:
    """Return what SymPy's limit says, which proves nothing."""
    if operation.kind != "limit" or expanded_limit(operation.body, operation.index) is not None:
        return UNKNOWN
    try:
        found = within(SECONDS, within_effort, EFFORT_SECONDS, sympy.limit, operation.body, operation.index, S.Infinity)
    except Exception:
        return UNKNOWN
    if isinstance(found, NoAnswer) or not isinstance(found, Expr) or found.has(S.NaN, sympy.Limit, sympy.AccumBounds):
        return UNKNOWN
    return Value(found, "the value of the limit is SymPy's, which is not a proof", Verdict.SUPPORTED)
