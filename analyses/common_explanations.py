"""Nine popular statements about vanishing and exploding gradients: what is right about each, and what decides it."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import sympy

import symgrad as sg
from symgrad.evidence import Evidence, Verdict
from symgrad.report import Annotation, HorizontalLine, Line, Panel, Points
from symgrad.symbols import n

LOG10 = np.log(10.0)
SETTLED = (Verdict.PROVED, Verdict.CERTIFIED, Verdict.REFUTED)
LAYERS = (("tanh(x)", "tanh"), ("x**2", "square"), ("sin(x)", "sin"))
JORDAN = sympy.Matrix([[sympy.Rational(9, 10), 10], [0, sympy.Rational(9, 10)]])
NILPOTENT = sympy.Matrix([[0, 2], [0, 0]])
WEIGHTS, BIASES, START = np.array([[3.0, -3.0], [3.0, -3.0]]), np.array([-1.5, -3.0]), np.array([0.1, 0.0])
DIFFERENCE = sg.Map("tanh(3*z - 3/2) - tanh(3*z - 3)", "z")
UNIT = sg.Map("w*sigmoid(x) + b", "x")
LOSS = "(sigmoid(x) - 7/10)**2"
ETA, DEPTH = 0.01, 50
PATIENCE = 60.0


@dataclass(frozen=True)
class Statement:
    """A popular statement, what is right about it, what decides it, and what is true.

    ``right_by`` proves what it gets right and ``true_by`` examples of what is true; ``against`` is the counterexample,
    and a statement without one is true.
    """

    words: str
    right: str
    right_by: tuple[Evidence, ...]
    precise: str
    against: tuple[Evidence, ...]
    decided_by: str
    true: str
    reference: str
    panel: Panel
    true_by: tuple[Evidence, ...] = field(default=())

    @property
    def verdict(self):
        """The verdict on the words as they stand."""
        evidence = self.against or self.right_by
        if any(item.verdict not in SETTLED for item in evidence):
            return Verdict.UNDECIDED
        return Verdict.REFUTED if self.against else Verdict.PROVED


@sg.analysis(
    question="What do the popular statements about vanishing and exploding gradients get right, and which hold?",
    reference=(
        "Knopp (1951), Theory and Application of Infinite Series, chapter VII; Bengio, Simard & Frasconi (1994), IEEE "
        "Transactions on Neural Networks 5; Pascanu, Mikolov & Bengio (2013), ICML; Horn & Johnson (2013), Matrix "
        "Analysis, section 5.6; Furstenberg & Kesten (1960) and Oseledets (1968), products of random matrices"
    ),
)
def common_explanations(scale: sg.Scale) -> sg.Report:
    """Eight of the nine are refuted as they are said; each has a core that is right, and a theorem that says it.

    The cores: equal factors, factors that stay away from 1 by a margin, and norms in place of eigenvalues.
    """
    statements = (
        shorthand_order(),
        factors_below_one(),
        factors_above_one(scale),
        factors_minus_one(),
        factors_below_minus_one(),
        newton_step(scale),
        spectral_radius(),
        largest_eigenvalue(scale),
        vanishing_product(),
    )
    table = sg.Table(
        ("", "the words", "verdict", "decided by", "what is true"),
        [(str(i), s.words, s.verdict.word, s.decided_by, s.true) for i, s in enumerate(statements, start=1)],
        "Verdict: on the words as they stand. Each is decided below by claims that were examined, not by sampling.",
    )
    figure = sg.Figure(
        [statement.panel for statement in statements],
        "The nine at a glance: what the words say fails, and in panel 4 holds, before your eyes. Curves are computed "
        "in float64; what they show is proved or certified below.",
        alt="Nine panels, each with the counterexample to a popular statement, or with its proof.",
        columns=3,
        size=(13.3, 15.6),
    )
    sections = [block for i, s in enumerate(statements, start=1) for block in section(i, s)]
    return sg.Report(table, *([] if scale.quick else [figure]), *sections)


def section(number, statement):
    """Return one statement: what is right about it, what decides it, what is true."""
    verdict = f"**{statement.verdict.word.capitalize()}.** {statement.precise}"
    return (
        sg.Text(f"## {number}. {statement.words}\n\n**What it gets right.** {statement.right}"),
        *statement.right_by,
        sg.Text(verdict),
        *statement.against,
        sg.Text(f"**What is true.** {statement.true} *({statement.reference}.)*"),
        *statement.true_by,
    )


@cache
def examined(text):
    """Return what was found about one claim; n is a positive integer."""
    return sg.Claim(text, symbols={"n": n}).examine()


def claims(*texts):
    """Return what was found about several claims."""
    return tuple(examined(text) for text in texts)


def decided_product(text):
    """Return what becomes of a product of factors, decided exactly."""
    found = sg.product_limit(text, seconds=PATIENCE)
    return Evidence(f"product({text}, k, 1, oo) = {found.limit}", found.verdict, found.reason)


def points(values, label="", colour=None, start=0):
    """Return a thin line with marks through values at consecutive integers."""
    index = np.arange(start, start + len(values))
    return Line(index, values, colour=colour, width=0.7), Points(index, values, label, colour=colour, size=4.5)


def partial_products(factor, count):
    """Return the partial products of factor(k), k = 1 to count, from the empty one."""
    return np.concatenate([[1.0], np.cumprod(factor(np.arange(1.0, count + 1)))])


def product_panel(title, layers, ylim=None):
    """Return a panel of products against the number of their factors."""
    return Panel(layers, "number of factors $n$", "product", title, ylim=ylim, legend="below")


def shorthand_order():
    """Statement 1: the chain rule with its factors in the usual shorthand order."""
    x = np.linspace(-3, 3, 241)
    right = np.cos(np.tanh(x) ** 2) * 2 * np.tanh(x) * (1 - np.tanh(x) ** 2)
    read = np.cos(x) * 2 * np.sin(x) * (1 - np.tanh(np.sin(x) ** 2) ** 2)
    chain = sg.stack([sg.Map(text, "x") for text, _ in LAYERS])
    step = 1e-6
    some = x[::16]
    kernel = sg.to_kernel(chain)
    quotient = (kernel(some + step).state[0] - kernel(some - step).state[0]) / (2 * step)
    shorthand = "cos(x)*(2*sin(x))*(1 - tanh(sin(x)**2)**2)"
    latex = sg.chain_product(chain).latex()
    return Statement(
        words="“The derivative of fₙ(…f₁(x)) is dfₙ/dx · dfₙ₋₁/dy₁ ⋯ df₁/dyₙ₋₁.”",
        right=(
            "One factor per layer, multiplied, and for scalars in any order of the multiplication. For the layers "
            rf"$f_1 = \tanh$, $f_2 = $ square, $f_3 = \sin$ the chain product is derived as ${latex}$:"
        ),
        right_by=claims("diff(sin(tanh(x)**2), x) = cos(tanh(x)**2)*(2*tanh(x))*(1 - tanh(x)**2)"),
        precise=(
            "Read as it is written, $f_n$ is differentiated at $x$ and $f_1$ at the very end. That is right where "
            "$f_n$ is the innermost function; here it is the derivative of the composition in the opposite order:"
        ),
        against=(
            *claims(f"diff(sin(tanh(x)**2), x) = {shorthand}"),
            *claims(f"diff(tanh(sin(x)**2), x) = {shorthand}"),
        ),
        decided_by="sin(tanh(x)²) at x = 1: the shorthand is the derivative of tanh(sin(x)²)",
        true=(
            "Every factor is taken at the state that enters its layer: fₙ'(xₙ₋₁) ⋯ f₂'(x₁)·f₁'(x₀). Jacobian matrices "
            "are multiplied in this order and no other."
        ),
        reference="Apostol (1974), Mathematical Analysis, section 12.10, the matrix form of the chain rule",
        panel=Panel(
            [
                Line(x, right, "factors at their states"),
                Line(x, read, "shorthand as written", colour="vermillion", stroke="dashed"),
                Points(some, quotient, "difference quotient", colour="black", size=4.5),
            ],
            "$x$",
            r"derivative of $\sin(\tanh^2 x)$",
            "1  the order of the factors",
            legend="below",
        ),
    )


def factors_below_one():
    """Statement 2: factors between 0 and 1."""
    return Statement(
        words="“Factors between 0 and 1 make the product vanish.”",
        right="Equal factors do, and factors that stay below one number $q < 1$: their product is at most $q^n$.",
        right_by=claims("product(q, k, 1, n) = q**n", "limit(q**n, n, oo) = 0 where 0 <= q < 1"),
        precise="Factors that tend to 1 fast enough leave something over:",
        against=claims(
            "0 < 1 - 1/(k + 1)**2 < 1 where k >= 1",
            "product(1 - 1/(k + 1)**2, k, 1, n) = (n + 2)/(2*(n + 1))",
            "limit((n + 2)/(2*(n + 1)), n, oo) = 1/2",
        ),
        decided_by="∏(1 − 1/(k+1)²) = 1/2",
        true="A product of factors in (0, 1) vanishes exactly when the sum of 1 − cₖ diverges; cₖ ≤ q < 1 suffices.",
        reference="Knopp (1951), chapter VII",
        panel=product_panel(
            "2  factors in (0, 1)",
            [
                *points(partial_products(lambda k: 1 - 1 / (k + 1) ** 2, 30), "$1-1/(k+1)^2$", "blue"),
                *points(partial_products(lambda k: 0.8 + 0 * k, 30), "0.8", "vermillion"),
                HorizontalLine(0.5, "1/2"),
            ],
            ylim=(-0.03, 1.05),
        ),
        true_by=claims("product(1 - 1/(k + 1), k, 1, n) = 1/(n + 1)", "sum(1/(k + 1), k, 1, oo) = oo"),
    )


def factors_above_one(scale):
    """Statement 3: factors greater than 1."""
    infinite = () if scale.quick else (decided_product("1 + 1/k**2"),)
    return Statement(
        words="“Factors greater than 1 make the product explode.”",
        right="Equal factors do, and factors that stay above one number $q > 1$: their product is at least $q^n$.",
        right_by=claims("product(q, k, 1, n) = q**n", "limit(q**n, n, oo) = oo where q > 1"),
        precise="Factors that tend to 1 fast enough have a finite product:",
        against=(
            *claims(
                "1 + 1/(k*(k + 2)) > 1 where k >= 1",
                "product(1 + 1/(k*(k + 2)), k, 1, n) = 2*(n + 1)/(n + 2)",
                "limit(2*(n + 1)/(n + 2), n, oo) = 2",
                "1 + 1/k**2 > 1 where k >= 1",
            ),
            *infinite,
        ),
        decided_by="∏(1 + 1/(k(k+2))) = 2, ∏(1 + 1/k²) = sinh(π)/π",
        true="A product of factors above 1 explodes exactly when the sum of cₖ − 1 diverges; cₖ ≥ q > 1 suffices.",
        reference="Knopp (1951), chapter VII",
        panel=product_panel(
            "3  factors above 1",
            [
                *points(partial_products(lambda k: 1 + 1 / k**2, 30), "$1+1/k^2$", "blue"),
                *points(partial_products(lambda k: 1.2 + 0 * k, 12), "1.2", "vermillion"),
                HorizontalLine(float(np.sinh(np.pi) / np.pi), r"$\sinh(\pi)/\pi$"),
            ],
            ylim=(0, 8),
        ),
        true_by=claims("product(1 + 1/k, k, 1, n) = n + 1", "sum(1/k, k, 1, oo) = oo"),
    )


def factors_minus_one():
    """Statement 4: all factors are −1."""
    return Statement(
        words="“If all factors are −1 the product alternates.”",
        right="All of it: the product is 1 after an even and −1 after an odd number of factors.",
        right_by=claims("product(-1, k, 1, n) = (-1)**n", "(-1)**(2*n) = 1", "(-1)**(2*n + 1) = -1"),
        precise=(
            "Nothing is to be corrected, but two things to be added: it is not the only way to alternate, and factors "
            "that tend to −1 are not enough."
        ),
        against=(),
        decided_by="∏(−1) = (−1)ⁿ, by induction",
        true=(
            "Negative factors make the product alternate between ±L exactly when the sum of log|cₖ| converges, to "
            "log L; L need not be 1."
        ),
        reference="Knopp (1951), chapter VII, for the absolute values",
        panel=product_panel(
            "4  factors −1, or nearly so",
            [
                *points(partial_products(lambda k: -1 + 0 * k, 20), "−1", "blue")[1:],
                *points(partial_products(lambda k: 1 / (k + 1) ** 2 - 1, 20), "$-(1-1/(k+1)^2)$", "vermillion")[1:],
                *points(partial_products(lambda k: 1 / (k + 1) - 1, 20), "$-(1-1/(k+1))$", "green")[1:],
                HorizontalLine(0.0),
            ],
        ),
        true_by=claims(
            "product(-(1 - 1/(k + 1)**2), k, 1, n) = (-1)**n*(n + 2)/(2*(n + 1))",
            "product(-(1 - 1/(k + 1)), k, 1, n) = (-1)**n/(n + 1)",
        ),
    )


def factors_below_minus_one():
    """Statement 5: factors below −1."""
    return Statement(
        words="“Factors below −1 make the product tend to −∞.”",
        right="The size grows without bound when all factors are the same number $-a < -1$:",
        right_by=claims("abs((-a)**n) = a**n where a > 1", "limit(a**n, n, oo) = oo where a > 1"),
        precise="The sign changes at every factor: every second product tends to $+\\infty$, and there is no limit:",
        against=claims(
            "(-a)**n < 0 where a > 1",
            "(-a)**(2*n) = a**(2*n) where a > 1",
            "limit(a**(2*n), n, oo) = oo where a > 1",
            "(-a)**(2*n + 1) = -a**(2*n + 1) where a > 1",
        ),
        decided_by="(−a)²ⁿ = a²ⁿ → +∞ for a > 1",
        true=(
            "|∏cₖ| → ∞ exactly when the sum of log|cₖ| tends to ∞, and the sign is (−1) to the number of negative "
            "factors: no limit while that number grows."
        ),
        reference="Knopp (1951), chapter VII",
        panel=product_panel(
            "5  factors below −1",
            [*points((-1.2) ** np.arange(0, 18), "$(-1.2)^n$", "blue"), HorizontalLine(0.0)],
        ),
        true_by=claims("product(-(1 + 1/k), k, 1, n) = (-1)**n*(n + 1)"),
    )


def wall_steps(scale):
    """Return distances from the wall at w = 5 and log10 of the gradient's and of Newton's step there."""
    line = 0.5 - 5 / (1 + np.exp(-0.5))
    distance = np.logspace(-7, -1, 25 if scale.quick else 121)
    kernel = sg.to_kernel(sg.gradient(UNIT**n, LOSS, wrt=("b",)))
    found = kernel(0.5, {"w": 5.0, "b": line - distance}, depth=DEPTH)
    first, loss = found.gradient["b"].log_abs, found.loss.log_abs
    return distance, (np.log(ETA) + first) / LOG10, (loss - first) / LOG10


def on_the_wall():
    """Return the two steps on the wall itself, in balls."""
    half = sympy.Rational(1, 2)
    target = sg.gradient(UNIT**DEPTH, LOSS, wrt=("b",))
    found = sg.ball_gradient(target, {"w": 5, "b": half - 5 * sg.sigmoid(half)}, start=half, depth=DEPTH)
    slope, loss = (abs(float(ball.text(12))) for ball in (found.gradient["b"], found.loss))
    claim = (
        f"on the wall, w = 5 and b = 1/2 - 5*sigmoid(1/2), depth {DEPTH}: |dL/db| = {slope:.6g}, the gradient step "
        f"0.01*|dL/db| = {ETA * slope:.4g}, Newton's step L/|dL/db| = {loss / slope:.3g}"
    )
    verdict = Verdict.CERTIFIED if ETA * slope > 1e5 * loss / slope else Verdict.UNDECIDED
    return Evidence(claim, verdict, "state, loss and sensitivity in balls of 256 bits")


def newton_step(scale):
    """Statement 6: a huge derivative makes Newton's step explode."""
    distance, gradient, newton = wall_steps(scale)
    step = sg.newton_of_composition(sg.Map("tanh(w*x)", "x") ** n, "y")
    return Statement(
        words="“A huge derivative makes Newton's step explode.”",
        right=(
            "A step does explode where the derivative is huge, but it is the gradient's, $\\eta L'$. On the wall of "
            "the recurrent unit $x_{t+1} = w\\sigma(x_t) + b$ from 1/2 with the loss $(\\sigma(x_{50}) - 0.7)^2$:"
        ),
        right_by=(on_the_wall(),),
        precise=(
            "Newton's step divides by the derivative. For $e^{wx}$ it is the shorter the steeper the function is, and "
            "it explodes where the derivative vanishes while the value does not:"
        ),
        against=claims(
            "exp(w*x)/diff(exp(w*x), x) = 1/w where w > 0", "abs((x**2 + 1)/diff(x**2 + 1, x)) >= 1/(2*abs(x))"
        ),
        decided_by="the step for exp(wx) is 1/w; on the wall at w = 5 Newton's step is short, the gradient's long",
        true=(
            "At a fixed residual Newton's step is the inverse of the chain product: it explodes where the product "
            "vanishes and freezes where it explodes."
        ),
        reference=(
            f"for n layers tanh(wx) derived as ${step.latex()}$; Dennis & Schnabel (1996), Numerical Methods for "
            "Unconstrained Optimization; Pascanu, Mikolov & Bengio (2013), figure 6; Lewkowycz et al. (2020), arXiv "
            "2003.02218, on what the gradient step does then"
        ),
        panel=Panel(
            [
                Line(distance, gradient, "gradient step, η = 0.01"),
                Line(distance, newton, "Newton's step", colour="vermillion", stroke="dashed"),
            ],
            "distance of $b$ from the wall, $w = 5$",
            r"$\log_{10}$ of the step's length",
            "6  steps beside a wall",
            xscale="log",
            legend="below",
        ),
    )


def exact_matrices():
    """Return what exact rational arithmetic says about the two nilpotent matrices."""
    product = NILPOTENT * NILPOTENT.T
    holds = (NILPOTENT**2).is_zero_matrix and set(product.eigenvals()) == {0, 4}
    return Evidence(
        "A = ((0, 2), (0, 0)) has A**2 = 0 and eigenvalues 0, 0; A*A^T has the eigenvalues 4 and 0",
        Verdict.PROVED if holds else Verdict.REFUTED,
        "rational matrix arithmetic",
    )


def spectral_radius():
    """Statement 7: spectral radius below 1 makes a map contractive."""
    count = 121
    jordan, one = np.array(JORDAN.tolist(), dtype=float), np.array(NILPOTENT.tolist(), dtype=float)
    power, mixed, sizes = np.eye(2), np.eye(2), []
    for k in range(count):
        sizes.append((np.linalg.norm(power, 2), np.linalg.norm(mixed, 2)))
        power, mixed = jordan @ power, (one if k % 2 else one.T) @ mixed
    norms, alternating = np.log10(np.array(sizes)).T
    peak = int(np.argmax(norms))
    corner = "10*n*(9/10)**(n - 1)"
    return Statement(
        words="“A spectral radius below 1 makes a map contractive.”",
        right=(
            "The powers of one matrix with spectral radius below 1 do tend to 0. For $J = ((0.9, 10), (0, 0.9))$ the "
            "corner of $J^n$ is $10n\\,0.9^{n-1}$, because it obeys the recurrence of the powers, and it vanishes:"
        ),
        right_by=claims(
            f"10*(n + 1)*(9/10)**n = 9/10*({corner}) + 10*(9/10)**n",
            f"limit({corner}, n, oo) = 0",
        ),
        precise=(
            f"On the way there $J^n$ stretches a vector {10 ** norms[peak]:.1f}-fold, at $n = {peak}$ (measured); its "
            "corner alone shows that. And matrices that vanish each by itself grow when they take turns:"
        ),
        against=(*claims("10*9*(9/10)**8 > 38"), exact_matrices()),
        decided_by=f"J = ((0.9, 10), (0, 0.9)): ‖Jⁿ‖ peaks at {10 ** norms[peak]:.1f}; A·Aᵀ, A² = 0, has radius 4",
        true=(
            "A map contracts when one norm of its Jacobian stays below a number q < 1 everywhere. A radius below 1 "
            "gives one matrix such a norm, of its own; a product needs one norm for all its factors."
        ),
        reference=(
            "Horn & Johnson (2013), Lemma 5.6.10 and Theorem 5.6.12; Rota & Strang (1960), A note on the joint "
            "spectral radius; Trefethen & Embree (2005), Spectra and Pseudospectra, on the transient"
        ),
        panel=Panel(
            [
                Line(np.arange(count), norms, r"$J^n$, $J=((0.9,10),(0,0.9))$"),
                Line(
                    np.arange(0, 14),
                    alternating[:14],
                    "$A A^T A \\cdots$, $A^2 = 0$",
                    colour="vermillion",
                    stroke="dashed",
                ),
                HorizontalLine(0.0),
                Annotation(f"{10 ** norms[peak]:.1f}", peak, norms[peak], offset=(30, 12)),
            ],
            "number of factors $n$",
            r"$\log_{10}$ of the norm",
            "7  spectral radius 0.9 and 0",
            legend="below",
        ),
    )


def jacobian_growth(weights, steps):
    """Return log10 of the norm of the Jacobian product of x ← tanh(Wx + b), step by step."""
    state, product, scale, found = START, np.eye(2), 0.0, [0.0]
    for _ in range(steps):
        state = np.tanh(weights @ state + BIASES)
        product = (1 - state**2)[:, None] * weights @ product
        size = np.linalg.norm(product, 2)
        product, scale = product / size, scale + np.log10(size)
        found.append(scale)
    return np.array(found)


def growth_certificate(depth):
    """Return a lower bound of the Jacobian product of the nilpotent network, in balls."""
    target = sg.gradient(DIFFERENCE**depth, None, wrt=("z",))
    found = sg.ball_gradient(target, {}, start=sympy.Rational(1, 10), depth=depth, bits=512)
    product = abs(float(found.product.text(6)))
    claim = (
        "x(k+1) = tanh(W*x(k) + b), W = 3*((1, -1), (1, -1)), b = (-3/2, -3), x(0) = (1/10, 0): the Jacobian product "
        f"over {depth} steps has a norm of at least |dz_{depth}/dz_0| = {product:.6g}, z = x_1 - x_2"
    )
    method = (
        "v = (1, -1) is a left eigenvector of every Jacobian D*W, with the factor of z = v*x as its eigenvalue, by the "
        "claim above; balls of 512 bits"
    )
    return Evidence(claim, Verdict.CERTIFIED if product > 1e6 else Verdict.UNDECIDED, method)


def measured_rate(scale):
    """Return mean and standard error, rounded up, of the rate of |dz_n/dz_0| over several starts, in nats per step."""
    starts, steps = np.linspace(0.05, 0.95, 8 if scale.quick else 40), 500 if scale.quick else 2000
    rates = sg.to_kernel(DIFFERENCE**n)(starts, depth=steps).product.log_abs / steps
    error = rates.std(ddof=1) / np.sqrt(len(starts))
    return float(rates.mean()), float(np.ceil(100 * error) / 100), len(starts), steps


def largest_eigenvalue(scale):
    """Statement 8: largest eigenvalue below 1/γ suffices for vanishing."""
    mean, error, orbits, steps = measured_rate(scale)
    largest = float(np.linalg.norm(WEIGHTS, 2))
    index = np.arange(101)
    small = 0.9 / largest
    slope = "diff(tanh(3*z - 3/2) - tanh(3*z - 3), z)"
    return Statement(
        words="“A largest eigenvalue of W below 1/γ suffices for the gradient to vanish.”",
        right=(
            r"Something of $W$ below $1/\gamma$ does suffice, $\gamma = \max|\varphi'|$: its largest singular value "
            r"$s$, because $\Vert\prod D_k W\Vert \le (\gamma s)^n$. For tanh $\gamma = 1$:"
        ),
        right_by=claims("0 < diff(tanh(x), x) <= 1", "limit(q**n, n, oo) = 0 where 0 <= q < 1"),
        precise=(
            "A recurrent net of two tanh units, $W = 3\\,((1,-1),(1,-1))$, $b = (-3/2,-3)$: both eigenvalues of $W$ "
            f"are 0, by its characteristic polynomial; its largest singular value is {largest:g}. The net is chaotic: "
            f"from {orbits} starts over {steps} steps the product grows at the rate {mean:.2f} ± {error:.2f} nats per "
            "step (measured, mean and standard error), and along one orbit it is certified:"
        ),
        against=(
            *claims(
                "(3 - l)*(-3 - l) + 9 = l**2",
                f"{slope} = 3*(1 - tanh(3*z - 3/2)**2) - 3*(1 - tanh(3*z - 3)**2)",
            ),
            growth_certificate(40 if scale.quick else 100),
        ),
        decided_by="a tanh net with W = 3((1,−1),(1,−1)): both eigenvalues 0, Jacobian product exploding",
        true=(
            "Largest singular value below 1/γ is sufficient for vanishing; above 1/γ it is only necessary for "
            "exploding. The rate itself is a Lyapunov exponent of the orbit, no property of W."
        ),
        reference=(
            "Pascanu, Mikolov & Bengio (2013), section 2; Oseledets (1968); Wang (1991), Period-doublings to chaos in "
            "a simple neural network, Complex Systems 5, on nets of this form"
        ),
        panel=Panel(
            [
                Line(index, jacobian_growth(WEIGHTS, 100), f"$W$: eigenvalues 0, $s = {largest:g}$"),
                Line(
                    index,
                    jacobian_growth(small * WEIGHTS, 100),
                    f"{small:g} $W$: eigenvalues 0, $s = 0.9$",
                    colour="vermillion",
                    stroke="dashed",
                ),
                HorizontalLine(0.0),
            ],
            "number of steps $n$",
            r"$\log_{10}\,\Vert J_n \cdots J_1\Vert$",
            "8  eigenvalues 0",
            ylim=(-30, 30),
            legend="below",
        ),
    )


def vanishing_product():
    """Statement 9: a vanishing Jacobian product means a vanishing gradient."""
    depths = np.arange(1, 61)
    kernel = sg.to_kernel(sg.gradient(sg.Map("w*x + b", "x") ** n, None, wrt=("b",)))
    found = [kernel(0.5, {"w": 0.9, "b": 0.1}, depth=int(depth)) for depth in depths]
    return Statement(
        words="“A vanishing Jacobian product means a vanishing gradient.”",
        right=(
            "What vanishes is the gradient in the start, and in the parameters of an early layer that no later layer "
            "shares. For the linear unit $x \\mapsto wx + b$:"
        ),
        right_by=claims(
            "iterate(w*x + b, n, x) = w**n*x + b*(w**n - 1)/(w - 1)", "limit(w**n, n, oo) = 0 where -1 < w < 1"
        ),
        precise="A shared parameter acts at every layer, at the last one too, and its gradient does not vanish:",
        against=claims(
            "diff(w**n*x + b*(w**n - 1)/(w - 1), b) = (w**n - 1)/(w - 1)",
            "limit((w**n - 1)/(w - 1), n, oo) = 1/(1 - w) where -1 < w < 1",
        ),
        decided_by="x ↦ wx + b: wⁿ → 0, but dxₙ/db → 1/(1 − w)",
        true=(
            "The gradient in a shared parameter is a sum over the layers; a vanishing product makes its long-range "
            "terms vanish, not the sum: the net learns, but only from its last steps."
        ),
        reference="Bengio, Simard & Frasconi (1994), section IV; Pascanu, Mikolov & Bengio (2013), section 2",
        panel=Panel(
            [
                Line(depths, [item.gradient["b"].value for item in found], r"$dx_n/db$"),
                Line(depths, [item.product.value for item in found], "$dx_n/dx_0 = w^n$", colour="vermillion"),
                HorizontalLine(1 / (1 - 0.9), "$1/(1-w)$"),
            ],
            "depth $n$",
            "derivative",
            "9  the linear unit, w = 0.9",
            legend="below",
        ),
    )
