"""What becomes of ∏ a_k: vanishing, constant, alternating, exploding, oscillating or zero, with the reason.

∏ |a_k| tends to 0, to L ≠ 0 or to ∞ exactly as Σ log|a_k| tends to -∞, to log L or to ∞ (Knopp, *Theory and Application
of Infinite Series*, ch. VII). The factors are split into residue classes on which signs do not change; on each class
log|a_k| is expanded with a proven remainder, and the sum over a period is compared with Bertrand's series. So Raabe's
and Bertrand's criteria, the alternating series and their quadratic terms are one argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import sympy
from sympy import Expr, S, Symbol

from symgrad.budget import COMMAND_SECONDS, Deadline, NoAnswer, within
from symgrad.derivation.products.asymptotics import Expander, Fate, fate_of_sum, leading_of_sum, limit_of
from symgrad.derivation.products.constants import NoIntervalError, enclose, interval, sign_of
from symgrad.derivation.products.depth_products import depth_product
from symgrad.derivation.products.expansions import LARGEST_SUMMABLE, ONE, Expansion, Key, NoExpansionError, key, sign
from symgrad.derivation.products.numeric_products import product_value
from symgrad.derivation.products.product_domains import FactorSequence, depth_domain_gap, domain_gap, read_sequence
from symgrad.derivation.products.product_limits import EXPONENTIAL, ProductLimit, decided, only_supported, undecided
from symgrad.derivation.products.residues import residue_classes, step
from symgrad.derivation.products.telescoping import exact_product
from symgrad.derivation.products.whole_ranges import Signs, signs
from symgrad.derivation.vocabulary import Regime, Sign
from symgrad.maps import expand_activations

ORDERS = (4, 10)
AGREEMENT = 1e-9
NUMERIC_SECONDS = 3.0
LATE = "no answer in time; a larger budget may help"


def product_limit(
    factor: str | Expr, *, index: str = "k", start: int = 1, depth: str | None = None, seconds: float = COMMAND_SECONDS
) -> ProductLimit:
    """Decide what becomes of ∏_{k ≥ start} a_k as factors are added, or of ∏_{k=start}^{n} a_k(n) as n grows.

    Parameters
    ----------
    factor : a_k, as text or expression
    index : name of k
    start : the first k
    depth : name of n where the factors contain the number of factors; then other symbols are real parameters
    seconds : time allowed; without an answer in time the regime is UNDECIDED

    Raises
    ------
    InputError : another symbol is free, or a factor is undefined

    References
    ----------
    Knopp (1951), *Theory and Application of Infinite Series*, ch. VII, §§ 28-29.

    Examples
    --------
    >>> found = product_limit("1 + 1/k**2")
    >>> found.regime.word, found.limit, found.verdict.word
    ('constant', sinh(pi)/pi, 'proved')
    >>> product_limit("1 + 1/k").regime.word, product_limit("1 + c/n", depth="n").limit
    ('exploding', exp(c))
    """
    sequence = read_sequence(factor, index=index, start=start, depth=depth)
    deadline = Deadline(seconds)
    found = within(seconds, decide, sequence)
    if isinstance(found, NoAnswer):
        return undecided(LATE)
    if found.regime not in (Regime.CONSTANT, Regime.ALTERNATING) or sequence.depth is not None:
        return found
    exact = within(deadline.remaining / 2, exact_limit, sequence)
    value = within(min(deadline.remaining, NUMERIC_SECONDS), numeric_limit, sequence)
    return with_limit(
        found, None if isinstance(exact, NoAnswer) else exact, None if isinstance(value, NoAnswer) else value
    )


def decide(sequence: FactorSequence) -> ProductLimit:
    """Decide the regime, without the value of a limit, in this process.

    Raises
    ------
    InputError : a factor is undefined
    """
    if sequence.depth is not None:
        answer = depth_product(expand_activations(sequence.factor), sequence.index, sequence.depth, sequence.start)
        gap = depth_domain_gap(sequence)
        return answer if gap is None or answer.regime is Regime.UNDECIDED else only_supported(answer, gap)
    forms = classes(sequence)
    gap = domain_gap(sequence, len(forms))
    tables = [None if form == 0 else signs(form) for form in forms]
    zero = _first_zero(forms, tables)
    if zero is not None:
        where = sequence.start + zero
        answer = decided(Regime.ZERO, f"the factor at {sequence.index} = {where} is 0, and with it every later product")
    else:
        answer = _nonzero(forms, tables)
    if answer.regime is Regime.UNDECIDED:
        return answer
    if gap is not None:
        return only_supported(answer, gap)
    if None in tables and zero is None:
        return only_supported(answer, "that none of the first factors is 0")
    return answer


def classes(sequence: FactorSequence) -> tuple[Expr, ...]:
    """Return the formulas of the factors on residue classes of k."""
    return residue_classes(expand_activations(sequence.factor), sequence.index, sequence.start)


def _first_zero(forms: Sequence[Expr], tables: Sequence[Signs | None]) -> int | None:
    p = len(forms)
    found = [r for r, form in enumerate(forms) if form == 0]
    found += [p * m + r for r, table in enumerate(tables) if table is not None for m in table.zeros]
    return min(found, default=None)


def _nonzero(forms: Sequence[Expr], tables: Sequence[Signs | None]) -> ProductLimit:
    """Decide a product without a factor 0."""
    obstacle = ""
    for order in ORDERS:
        expander = Expander(step, order)
        try:
            logs = [expander.log_abs(form) for form in forms]
            tails = [table.tail if table else expander.sign(form) for form, table in zip(forms, tables, strict=True)]
            return _by_expansions(expander, logs, tuple(tails))
        except NoExpansionError as error:
            obstacle = str(error)
    return _by_bounds(forms, tables) or undecided(f"the expansion of log|a| does not decide it: {obstacle}")


def _sign_of_products(tails: tuple[int, ...]) -> Sign:
    if len(set(tails)) > 1:
        return Sign.PERIODIC
    return Sign.CONSTANT if tails[0] > 0 else Sign.ALTERNATING


def _by_bounds(forms: Sequence[Expr], tables: Sequence[Signs | None]) -> ProductLimit | None:
    """Decide by a uniform bound |a_k| ≤ q < 1 or |a_k| ≥ Q > 1 from some k on."""
    known = [t.tail for t in tables if t is not None]
    turn = _sign_of_products(tuple(known)) if len(known) == len(tables) else None
    for start in (0, 1, 4, 16):
        try:
            sizes = [abs(enclose(form, step, interval(start, "inf"))) for form in forms]
        except NoIntervalError:
            continue
        for regime, inside in (
            (Regime.VANISHING, [x.b < 1 for x in sizes]),
            (Regime.EXPLODING, [x.a > 1 for x in sizes]),
        ):
            if all(inside):
                side = "below" if regime is Regime.VANISHING else "above"
                reason = f"|a_k| stays {side} a constant {'less' if side == 'below' else 'greater'} than 1"
                return decided(regime, reason, sign=turn, pace=EXPONENTIAL)
    return None


@dataclass(frozen=True)
class _Period:
    """The expansions of log|a| on the classes of one period, and of its sum."""

    expander: Expander
    logs: list[Expansion]

    @property
    def partial(self) -> list[Expansion]:
        """log|a_0 … a_{j-1}| of a period for j = 1…p-1."""
        sums = self.logs[:1]
        for log in self.logs[1:]:
            sums.append(self.expander.algebra.add(sums[-1], log))
        return sums[:-1]

    @property
    def total(self) -> Expansion:
        """log|a_0 … a_{p-1}|."""
        return reduce(self.expander.algebra.add, self.logs)


def _by_expansions(expander: Expander, logs: list[Expansion], tails: tuple[int, ...]) -> ProductLimit:
    period = _Period(expander, logs)
    total = period.total
    fate, turn = fate_of_sum(total), _sign_of_products(tails)
    rate = limit_of(total)
    rate = None if rate is None else sympy.expand(rate / len(logs))
    if fate is Fate.CONVERGES:
        return _bounded(period, turn)
    against = _against(period, total, fate)
    if against:
        reason = f"one subsequence of |product| tends to 0 and another to ∞: {_told(total, len(logs), fate)}"
        return decided(Regime.OSCILLATING, reason, rate=rate, sign=turn)
    regime = Regime.EXPLODING if fate is Fate.RISES else Regime.VANISHING
    return decided(regime, f"{_told(total, len(logs), fate)}{_power_law(period)}", rate=rate, sign=turn)


def _bounded(period: _Period, turn: Sign) -> ProductLimit:
    """Decide where the logarithms of whole periods have a convergent sum."""
    limits = [limit_of(partial) for partial in period.partial]
    if None in limits:
        raise NoExpansionError("the product within a period has no known limit")
    settles = all(sign_of(limit) == 0 for limit in limits if limit is not None)
    told = _told(period.total, len(period.logs), Fate.CONVERGES)
    if not settles:
        reason = f"{told}, but within a period |product| does not settle"
        return decided(Regime.OSCILLATING, reason, rate=S.Zero, sign=turn)
    regime = {Sign.CONSTANT: Regime.CONSTANT, Sign.ALTERNATING: Regime.ALTERNATING}.get(turn, Regime.OSCILLATING)
    reason = told if regime is not Regime.OSCILLATING else f"{told}, while the sign changes periodically"
    return decided(regime, reason, rate=S.Zero, sign=turn)


def _power_law(period: _Period) -> str:
    """Return the words for |∏| ~ C·n^c where log|a| adds up to c/m and a convergent rest."""
    total = period.total
    harmonic = key(-1)
    rest = [at for at in (*total.terms, total.remainder) if at is not None and at != harmonic]
    if total.growth or harmonic not in total.terms or any(at >= LARGEST_SUMMABLE for at in rest):
        return ""
    if any(limit_of(partial) != 0 for partial in period.partial):
        return ""
    return f", so |product| behaves like n**({total.terms[harmonic]})"


def _against(period: _Period, total: Expansion, fate: Fate) -> bool:
    """Say whether within a period |product| moves against the divergent sum strongly enough to turn it around."""
    direction = 1 if fate is Fate.RISES else -1
    partial = [part for part in period.partial if part.size is not None and (part.growth or part.size > ONE)]
    if not partial:
        return False
    at, c = leading_of_sum(total)
    return any(_turns(part, at, c, direction) for part in partial)


def _turns(part: Expansion, at: Key, c: Expr, direction: int) -> bool:
    if part.growth:
        raise NoExpansionError("an exponential within a period")
    if part.remainder is not None and part.remainder >= at:
        raise NoExpansionError("the product within a period is not known precisely enough")
    if not part.terms or part.leading < at:
        return False
    both = part.terms[part.leading] + (c if part.leading == at else 0)
    turned = sign(both)
    if turned == 0:
        raise NoExpansionError("within a period the sum is cancelled to first order")
    return turned != direction


def _told(total: Expansion, p: int, fate: Fate) -> str:
    """Return the sentence about Σ log|a_k|."""
    what = "log|a_k|" if p == 1 else f"log|a| summed over a period of {p} factors"
    if total.size is None:
        return f"{what} is 0 identically"
    if total.growth:
        return f"{what} {'shrinks' if fate is Fate.CONVERGES else 'grows'} exponentially, and {fate.value}"
    if not total.terms:
        return f"{what} is at most a multiple of {_monomial(total.size, S.One, 1)}, and {fate.value}"
    return f"{what} is {_monomial(total.leading, total.terms[total.leading], p)} to first order, and {fate.value}"


def _monomial(at: Key, c: Expr, p: int) -> str:
    """Return c·m^e·log(m)^f·log(log(m))^g as text in k = p·m."""
    k = Symbol("k", positive=True)
    e, f, g = (sympy.Rational(q.numerator, q.denominator) for q in at)
    return str(sympy.Mul(c * p**-e, k**e * sympy.log(k) ** f * sympy.log(sympy.log(k)) ** g))


def exact_limit(sequence: FactorSequence) -> tuple[Expr, str] | None:
    """Return lim |∏ a_k| up to the sign of the first factors, in closed form, with the theorem it rests on."""
    return exact_product(_positive(classes(sequence)))


def numeric_limit(sequence: FactorSequence) -> float | None:
    """Return the limit of ∏ a_k as a number, of ∏ -a_k where all factors but finitely many are negative."""
    forms = _positive(classes(sequence))
    size = product_value(forms)
    tables = [signs(form) for form in forms]
    if size is None or any(table is None or table.head is None for table in tables):
        return None
    negative = sum(s < 0 for table in tables if table is not None for s in table.head or ())
    return -size if negative % 2 else size


def _positive(forms: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Return the forms, turned so that all but finitely many factors are positive."""
    return tuple(form * Expander(step).sign(form) for form in forms)


def with_limit(found: ProductLimit, exact: tuple[Expr, str] | None, value: float | None) -> ProductLimit:
    """Add the limit of a product that has one; a closed form that disagrees with the numbers is not stated."""
    if exact is not None:
        closed = float(sympy.re(exact[0].evalf(30)))
        if value is not None and abs(closed - value) > AGREEMENT * abs(value):
            exact = None
        else:
            value = closed
    reason = found.reason if exact is None else f"{found.reason}; {exact[1]}"
    if found.regime is Regime.ALTERNATING:
        size = abs(exact[0]) if exact is not None else value
        return found if size is None else replace(found, reason=f"{reason}; |product| tends to {size}")
    return replace(found, limit=None if exact is None else exact[0], limit_value=value, reason=reason)
