"""The exact laws of L = s (p - y)² for a product p of weights, each proved for any number of weights at once.

Two weights a, b of multiplicities m, d and the product q of everything else show every entry of the gradient and of
the Hessian: p = q a^m b^d, whatever the other weights are. With g_i = m_i/w_i, D = diag(1/w_i) and M = diag(m_i):

    ∂L/∂w_i = 2 s (p - y) p g_i
    Hessian = 2 s p D [(2p - y) m mᵀ - (p - y) M] D

By Sylvester's law the signs of the Hessian's eigenvalues are those of 2p times the bracket's, and those of the bracket
are those of its eigenvalues beside the positive matrix M: y - p on m_j e_i - m_i e_j, and (2n-1) p - (n-1) y on the
vector of ones, n = Σ m_i.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sympy import Dummy, Expr, Integer, Symbol, exp, symbols

from symgrad.derivation.identities.proofs import sign_proof, zero_proof
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import differentiate, to_text

m, d, n, j = symbols("m d n j", integer=True, positive=True)
a, b, c, q = symbols("a b c q", real=True, nonzero=True)
s, y, eta, squares = symbols("s y eta Q", positive=True)
p, u, v, alpha, beta, rest = symbols("p u v alpha beta R", real=True)
product = q * a**m * b**d
loss = s * (product - y) ** 2
OFF_AXES = ("a != 0", "b != 0")
PRODUCT = "p = q*a**m*b**d"
MOST_LITERAL = 60


@dataclass(frozen=True)
class Step:
    """One identity or sign on which a statement rests: ``difference`` is 0, or positive where ``positive`` is set."""

    difference: Expr
    positive: bool = False

    def proof(self) -> str | None:
        """Name the argument that proves it, or return None."""
        return sign_proof(self.difference, strict=True) if self.positive else zero_proof(self.difference)


def stated(claim: str, steps: Sequence[Step], by: str = "", domain: tuple[str, ...] = ()) -> Evidence:
    """Return a statement as proved if each of its steps is, otherwise as undecided with the step that failed.

    >>> stated("1 = 2", [Step(Integer(1) - 2)]).verdict.word
    'undecided'
    """
    proofs = [step.proof() for step in steps]
    if None in proofs:
        failed = to_text(steps[proofs.index(None)].difference)
        return Evidence(claim, Verdict.UNDECIDED, f"no proof was found for the step {failed[:80]}", domain=domain)
    methods = ", ".join(dict.fromkeys(proof for proof in proofs if proof))
    return Evidence(claim, Verdict.PROVED, f"{by}: {methods}" if by else methods, domain=domain)


@cache
def gradient_law() -> Evidence:
    """∂L/∂w = 2 s (p - y) p m/w."""
    slope = 2 * s * (product - y) * product * m / a
    claim = f"diff(s*(p - y)**2, a) = 2*s*(p - y)*p*m/a, {PRODUCT}"
    return stated(claim, [Step(differentiate(loss, a) - slope)], domain=OFF_AXES)


@cache
def step_field_law() -> Evidence:
    """L/‖∇L‖² = 1/(4 s p² Σ m²/w²), whatever the target is; Q is the sum."""
    norm = (2 * s * (p - y) * p) ** 2 * squares
    step = 1 / (4 * s * p**2 * squares)
    claim = "L/|grad L|**2 = 1/(4*s*p**2*Q), Q = sum of m**2/w**2 over the weights"
    steps = [
        Step(differentiate(loss, a) - 2 * s * (product - y) * product * m / a),
        Step(s * (p - y) ** 2 / norm - step),
    ]
    return stated(claim, steps, "from the gradient", ("p != 0", "p != y"))


@cache
def hessian_law() -> Evidence:
    """Both kinds of entries of the Hessian."""
    mixed = 2 * s * product * (2 * product - y) * m * d / (a * b)
    own = 2 * s * product * ((2 * product - y) * m**2 - (product - y) * m) / a**2
    claim = (
        "diff(L, a, b) = 2*s*p*(2*p - y)*m*d/(a*b) and "
        f"diff(L, a, a) = 2*s*p*((2*p - y)*m**2 - (p - y)*m)/a**2, {PRODUCT}"
    )
    steps = [
        Step(differentiate(differentiate(loss, a), b) - mixed),
        Step(differentiate(differentiate(loss, a), a) - own),
    ]
    return stated(claim, steps, domain=OFF_AXES)


@cache
def inertia_law() -> Evidence:
    """The bracket's eigenvalues beside M, row by row; the weights that are not named enter by their sum R alone."""
    third = Symbol("o", integer=True, positive=True)
    along, across = (2 * n - 1) * p - (n - 1) * y, y - p
    parts = {alpha: 2 * p - y, beta: y - p}

    def row(own: Expr, vector: Sequence[tuple[Expr, Expr]], others: Expr) -> Expr:
        """Return a row of alpha m mᵀ + beta M times a vector of (multiplicity, entry), 1 on the other weights."""
        total = sum((alpha * own * mult * entry for mult, entry in vector), alpha * own * others)
        return total + sum((beta * own * entry for mult, entry in vector if mult == own), Integer(0))

    difference = [(m, d), (d, -m), (third, Integer(0))]
    ones = [(m, Integer(1)), (d, Integer(1)), (third, Integer(1))]
    steps = [Step(row(own, difference, Integer(0)) - beta * own * entry) for own, entry in difference]
    steps += [Step(row(own, ones, rest) - (alpha * (m + d + third + rest) + beta) * own) for own, _ in ones]
    steps += [Step((alpha * n + beta).xreplace(parts) - along), Step(beta.xreplace(parts) - across)]
    claim = (
        "the bracket (2*p - y)*m*m^T - (p - y)*M has beside M the eigenvalue y - p on every m_j*e_i - m_i*e_j and "
        "(2*n - 1)*p - (n - 1)*y on the vector of ones, n = sum of the m_i"
    )
    return stated(claim, steps, "each row times each eigenvector")


def eigenvectors_hold(multiplicities: Sequence[int]) -> bool:
    """Multiply the bracket's two parts, m mᵀ and M, by every eigenvector in integers, for literal multiplicities.

    >>> eigenvectors_hold([3, 3]), eigenvectors_hold([1] * 6)
    (True, True)
    """
    size, count = sum(multiplicities), len(multiplicities)
    vectors = [([1] * count, size)]
    for i in range(1, count):
        vector = [0] * count
        vector[i], vector[0] = multiplicities[0], -multiplicities[i]
        vectors.append((vector, 0))
    for vector, expected in vectors:
        weighted = [m_i * v_i for m_i, v_i in zip(multiplicities, vector, strict=True)]
        total = sum(weighted)
        if any(m_i * total != expected * w_i for m_i, w_i in zip(multiplicities, weighted, strict=True)):
            return False
    return True


def band_law(low: Expr) -> Evidence:
    """0 < (n-1)/(2n-1) < 1, and where both eigenvalues change sign; ``low`` is (n-1)/(2n-1) for the n at hand."""
    size = j + 1
    fraction = (size - 1) / (2 * size - 1)
    known = low.is_number and low.is_nonnegative
    steps = [
        Step(((2 * n - 1) * p - (n - 1) * y) - (2 * n - 1) * (p - (n - 1) / (2 * n - 1) * y)),
        Step(2 * size - 1, positive=True),
        Step(fraction, positive=True),
        Step(1 - fraction, positive=True),
        Step((-2 * p * (y - p)).subs(p, -squares), positive=True),
    ]
    if known:
        steps.append(Step(1 - low, positive=True))
    claim = (
        "with two or more weights the Hessian is positive definite exactly where (n - 1)/(2*n - 1) < p/y < 1, "
        "an interval that is not empty: for p < 0 the eigenvalue 2*p*(y - p) is negative"
    )
    return stated(claim, steps, "by Sylvester's law of inertia")


@cache
def sharpness_law() -> Evidence:
    """On p = y loss and gradient are 0 and the Hessian is 2 s y² g gᵀ, whose one eigenvalue is 2 s y² Σ m²/w²."""
    mixed = 2 * s * p * (2 * p - y) * m * d / (a * b)
    own = 2 * s * p * ((2 * p - y) * m**2 - (p - y) * m) / a**2
    g_a, g_b = m / a, d / b
    steps = [
        Step((2 * s * (p - y) * p * m / a).subs(p, y)),
        Step(mixed.subs(p, y) - 2 * s * y**2 * g_a * g_b),
        Step(own.subs(p, y) - 2 * s * y**2 * g_a**2),
        Step((g_a * g_a + g_b * g_b + rest) * g_a - g_a * (g_a**2 + g_b**2 + rest)),
    ]
    claim = "on p = y the gradient is 0 and the Hessian 2*s*y**2*g*g^T, g = m/w: sharpness 2*s*y**2*sum of m**2/w**2"
    return stated(claim, steps, "the entries of the Hessian at p = y", OFF_AXES)


@cache
def balanced_law() -> Evidence:
    """Σ m²/w² is least on p = y where all w²/m are equal: the weighted means of m/w², whose product is fixed there."""
    t = Symbol("t", real=True)
    gap = exp(t) - 1 - t
    steps = [
        Step(gap.subs(t, 0)),
        Step(differentiate(gap, t).subs(t, 0)),
        Step(differentiate(differentiate(gap, t), t), positive=True),
        Step((m / a**2) ** m * (d / b**2) ** d * product**2 - m**m * d**d * q**2),
    ]
    claim = "along p = y the sharpness is least where w**2/m is the same for all weights, which is where they balance"
    by = "the weighted geometric mean of m/w**2 is fixed on p = y and below the arithmetic one, by exp(t) >= 1 + t"
    return stated(claim, steps, by, OFF_AXES)


@cache
def balance_law() -> Evidence:
    """One gradient step on the imbalance a²/m - b²/d, G = 2 s (p - y) p."""
    force = Dummy("G", real=True)
    after = (a - eta * force * m / a) ** 2 / m - (b - eta * force * d / b) ** 2 / d
    factor = 1 - eta**2 * force**2 * m * d / (a**2 * b**2)
    claim = (
        "a gradient step of size eta multiplies the imbalance a**2/m - b**2/d by 1 - eta**2*G**2*m*d/(a**2*b**2), "
        "G = 2*s*(p - y)*p"
    )
    slope = differentiate(loss, a) - 2 * s * (product - y) * product * m / a
    return stated(claim, [Step(slope), Step(after - (a**2 / m - b**2 / d) * factor)], domain=OFF_AXES)


@cache
def two_weight_step_law() -> Evidence:
    """One gradient step on e = c u v - y."""
    error = c * u * v - y
    target = s * error**2
    next_u, next_v = u - eta * differentiate(target, u), v - eta * differentiate(target, v)
    factor = 1 - 2 * s * eta * c**2 * (u**2 + v**2) + 4 * s**2 * eta**2 * c**2 * error * (error + y)
    claim = (
        "with p = c*u*v and e = p - y a gradient step takes e to "
        "e*(1 - 2*s*eta*c**2*(u**2 + v**2) + 4*s**2*eta**2*c**2*e*p)"
    )
    return stated(claim, [Step(c * next_u * next_v - y - error * factor)])


@cache
def stability_law() -> Evidence:
    """On the valley a gradient step multiplies a displacement along g by 1 - 2 s η y² Q, Q = Σ m²/w²."""
    sharpness = 2 * s * y**2 * squares
    claim = "the valley is unstable for step size eta exactly where s*eta*y**2*sum of m**2/w**2 > 1"
    steps = [Step((1 - eta * sharpness) + 1 - 2 * (1 - s * eta * y**2 * squares)), Step(eta * sharpness, positive=True)]
    return stated(claim, steps, "the multiplier across it is 1 - eta*sharpness, and below -1 there")


@cache
def exponent_law() -> Evidence:
    """How steepness and curvature grow far out: on a ray from 0 every entry goes like r^(2n-1) and like r^(2n-2)."""
    r = Symbol("r", positive=True)
    power = c * r**n
    slope = (power - y) * power / r
    mixed, own = power * (2 * power - y) / r**2, power * ((2 * power - y) * m - (power - y)) / r**2
    rest_of_own = n * (m - 1) * y / ((2 * m - 1) * power - (m - 1) * y)
    steps = [
        Step(r * differentiate(slope, r) - slope * (2 * n - 1 + n * y / (power - y))),
        Step(r * differentiate(mixed, r) - mixed * (2 * n - 2 + n * y / (2 * power - y))),
        Step(r * differentiate(own, r) - own * (2 * n - 2 + rest_of_own)),
    ]
    claim = "far out on a ray d log|Hessian|/d log|gradient| tends to (2*n - 2)/(2*n - 1)"
    by = "logarithmic derivatives of every entry along the ray, up to terms that vanish with y/p"
    return stated(claim, steps, by)


@cache
def ridge_law() -> Evidence:
    """On the balanced ray p = y r^n the gradient is steepest inside where r^n = (n-1)/(2n-1)."""
    r = Symbol("r", positive=True)
    slope = differentiate(s * y**2 * (r**n - 1) ** 2, r)
    bend = differentiate(slope, r)
    claim = "on the balanced ray p = y*r**n the inner ridge of |dL/dr| stands at r**n = (n - 1)/(2*n - 1)"
    written = 2 * n * s * y**2 * r ** (n - 2) * ((2 * n - 1) * r**n - (n - 1))
    return stated(claim, [Step(bend - written)], "its derivative changes sign there")


@cache
def growth_law() -> Evidence:
    """Every p m/w grows with every |w|: its logarithmic derivatives are m - 1 and d, and neither is negative."""
    own, other = (product * m / a) ** 2, (product * d / b) ** 2
    steps = [
        Step(a * differentiate(own, a) - 2 * (m - 1) * own),
        Step(a * differentiate(other, a) - 2 * m * other),
        Step((2 * (m - 1)).subs(m, j + 1), positive=True),
        Step(2 * m, positive=True),
    ]
    claim = "the size of p*m/w never falls, for each of the weights w, when the size of a weight grows"
    return stated(claim, steps, "logarithmic derivatives 2*(m - 1) and 2*m", OFF_AXES)
