"""Valley, plateau, convex band, step field, balance and catapults of a deep product of weights, each with its proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, Mul, Product

from symgrad.derivation.deep_products import laws
from symgrad.derivation.deep_products.recognition import ProductChain, inverse_squares, recognise_product
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Composition, Map, as_composition, entered, to_text
from symgrad.symbols import k

MOST_FACTORS = 8


@dataclass(frozen=True)
class Valley:
    """The valley p = y of a deep product.

    Parameters
    ----------
    equation : such as ``u**3*v**3 = 1``
    sharpness : the largest eigenvalue of the Hessian on it, by the weights of every layer
    swept_sharpness : the same by the swept parameters, where one of them moves several layers
    verdict : what it rests on
    proof : the arguments
    """

    equation: str
    sharpness: str
    swept_sharpness: str
    verdict: Verdict
    proof: str


@dataclass(frozen=True)
class Band:
    """Where the loss is convex in its free weights, off the axes.

    Parameters
    ----------
    condition : such as ``5/11 < p < 1``, p the last state
    low, high : its ends (high is None where there is none)
    verdict : what it rests on
    proof : the arguments
    """

    condition: str
    low: Expr
    high: Expr | None
    verdict: Verdict
    proof: str


@dataclass(frozen=True)
class DeepProduct:
    """L = s (p - y)², p the start times a product of weights, with everything about it that is exact.

    Parameters
    ----------
    parts : its weights, constant, target and scale

    Examples
    --------
    >>> from symgrad.maps import apply_slice, stack
    >>> sliced = apply_slice(stack(Map("w*x", "x"), 6), "u=w[1..3], v=w[4..6]").composition
    >>> deep = deep_product(sliced, "(x - 1)**2", start=1)
    >>> deep.equation, deep.band.condition, deep.band.verdict.word
    ('u**3*v**3 = 1', '5/11 < p < 1', 'proved')
    >>> deep.valleys[0].sharpness
    '2*(3/u**2 + 3/v**2)'
    """

    parts: ProductChain

    @property
    def n(self) -> Expr:
        """The number of free factors of the product."""
        return self.parts.size

    @cached_property
    def factors(self) -> tuple[Expr, str]:
        """The product of the free weights, and its text."""
        expr: Expr = Integer(1)
        texts = []
        for w in self.parts.weights:
            power = w.symbol**w.multiplicity
            if not w.own:
                expr *= power
                texts.append(to_text(power))
            elif w.count.is_Integer and w.count <= MOST_FACTORS:
                several = [w.symbol.base[i] ** w.multiplicity for i in range(1, int(w.count) + 1)]
                expr *= Mul(*several)
                texts += [to_text(one) for one in several]
            else:
                expr *= Product(power, (k, 1, w.count))
                texts.append(f"product({power}, k, 1, {w.count})")
        return expr, "*".join(texts)

    @property
    def product(self) -> Expr:
        """p, the last state."""
        return self.parts.constant * self.factors[0]

    @property
    def level(self) -> Expr:
        """What the product of the free weights is on the valley."""
        return self.parts.target / self.parts.constant

    @property
    def equation(self) -> str:
        """The valley p = y."""
        return f"{self.factors[1]} = {to_text(self.level)}"

    @property
    def reaches_target(self) -> bool:
        """Whether real weights can make p = y: not where every weight is squared and the signs differ."""
        even = all((w.multiplicity / 2).is_integer for w in self.parts.weights)
        return not (even and self.level.is_negative)

    @property
    def ratio(self) -> Expr:
        """(n-1)/(2n-1), p/y at the lower end of the convex band."""
        return (self.n - 1) / (2 * self.n - 1)

    @property
    def exponent(self) -> Expr:
        """(2n-2)/(2n-1), d log‖Hessian‖ / d log‖gradient‖ far out."""
        return (2 * self.n - 2) / (2 * self.n - 1)

    @property
    def step_field(self) -> str:
        """L/‖∇L‖² by the swept parameters, in their own units: the step that would reach the floor."""
        strength = to_text(4 * self.parts.scale)
        return f"1/({strength}*p**2*({inverse_squares(self.parts.weights, tied=True)[1]}))"

    @property
    def unstable(self) -> str:
        """Where a gradient step of size eta leaves the valley."""
        strength = laws.eta * self.parts.scale * self.parts.target**2
        return f"{to_text(strength)}*({inverse_squares(self.parts.weights, tied=True)[1]}) > 1"

    @cached_property
    def evidence(self) -> Mapping[str, Evidence]:
        """The statements by what they are about."""
        several = self.parts.weight_count != 1
        found = {
            "gradient": laws.gradient_law(),
            "step field": laws.step_field_law(),
            "sharpness": laws.sharpness_law(),
            "hessian": laws.hessian_law(),
            "inertia": self._checked(laws.inertia_law()),
            "band": laws.band_law(self.ratio),
            "stability": laws.stability_law(),
            "exponent": laws.exponent_law(),
            "ridge": laws.ridge_law(),
            "growth": laws.growth_law(),
        }
        if several:
            found |= {"balanced": laws.balanced_law(), "balance": laws.balance_law()}
        if [(w.multiplicity, w.count) for w in self.parts.weights] == [(1, 1)] * 2:
            found["two weights"] = laws.two_weight_step_law()
        return found

    def _checked(self, inertia: Evidence) -> Evidence:
        """Multiply the eigenvectors out in integers where there are few weights, and refuse if one fails."""
        literal = all(w.multiplicity.is_Integer and w.count.is_Integer for w in self.parts.weights)
        if not literal or self.parts.weight_count > laws.MOST_LITERAL:
            return inertia
        multiplicities = [int(w.multiplicity) for w in self.parts.weights for _ in range(int(w.count))]
        if laws.eigenvectors_hold(multiplicities):
            return inertia
        return Evidence(inertia.claim, Verdict.UNDECIDED, "an eigenvector failed for these multiplicities")

    @property
    def statements(self) -> tuple[Evidence, ...]:
        """Everything proved about it, in the order of the derivation."""
        return tuple(self.evidence.values())

    def _resting_on(self, *names: str) -> tuple[Verdict, str]:
        """Return the verdict that several laws together give, with their arguments."""
        found = [self.evidence[name] for name in names]
        verdict = Verdict.PROVED if all(e.verdict is Verdict.PROVED for e in found) else Verdict.UNDECIDED
        return verdict, "; ".join(dict.fromkeys(e.method for e in found))

    @cached_property
    def valleys(self) -> tuple[Valley, ...]:
        """The valley p = y; none where no real weights reach the target."""
        if not self.reaches_target:
            return ()
        strength = to_text(2 * self.parts.scale * self.parts.target**2)
        by_layer, swept = (f"{strength}*({inverse_squares(self.parts.weights, tied=t)[1]})" for t in (False, True))
        verdict, proof = self._resting_on("gradient", "hessian", "sharpness")
        return (Valley(self.equation, by_layer, swept, verdict, proof),)

    @cached_property
    def band(self) -> Band | None:
        """Where the loss is convex; None where p never has the sign of the target."""
        if not self.reaches_target:
            return None
        y = self.parts.target
        low: Expr = self.ratio * y
        verdict, proof = self._resting_on("hessian", "inertia", "band")
        if self.parts.weight_count == 1:
            return Band(self._one_weight(low), low, None, *self._resting_on("hessian", "inertia"))
        ends = [to_text(low), to_text(y)]
        condition = " < p < ".join(reversed(ends) if y.is_negative else ends)
        return Band(condition, low, y, verdict, proof)

    def _one_weight(self, low: Expr) -> str:
        """Return where the one eigenvalue, of the sign of p ((2n-1) p - (n-1) y), is positive."""
        if self.n == 1:
            return "everywhere"
        if self.parts.target.is_negative:
            return f"p < {to_text(low)} or p > 0"
        return f"p < 0 or p > {to_text(low)}"


def deep_product(
    chain: Map | Composition,
    loss: Expr | str,
    *,
    start: Any = None,
    parameters: Mapping[str, Any] | None = None,
) -> DeepProduct | None:
    """Recognise L = s (p - y)² with p the start times a product of weights, or return None.

    Parameters
    ----------
    chain : layers x → w·x, each weight shared by the layers that name it or with a value per layer, of literal or
        symbolic depth; a slice of a net is made with ``apply_slice``
    loss : of the last state; y may be a number other than 0, or a symbol, which is taken as positive
    start : the first state, a number or an expression; a symbol if not given
    parameters : name → number for the weights (and loss parameters) that are frozen; all others are free

    References
    ----------
    Goodfellow, Bengio & Courville (2016), Deep Learning, section 8.2.4

    >>> deep_product(Map("tanh(w*x)", "x") ** 3, "(x - 1)**2") is None
    True
    """
    parts = recognise_product(as_composition(chain), entered(loss), start=start, frozen=parameters or {})
    return None if parts is None else DeepProduct(parts)
