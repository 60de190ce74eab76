"""The cliffs of other nets: another activation, two layers, inputs, an unbounded unit, a chaotic one."""

from dataclasses import dataclass

import numpy as np
import sympy

import symgrad as sg
from symgrad.derivation import Side, cliff_curves
from symgrad.maps import Composition, composition_from_text
from symgrad.phenomena.cliffs.cliff_map import CliffKind
from symgrad.phenomena.cliffs.completeness import coverage
from symgrad.phenomena.cliffs.laps import count_laps
from symgrad.phenomena.cliffs.matching import candidates_in
from symgrad.phenomena.cliffs.pull_back import pull_back
from symgrad.phenomena.cliffs.windows import read_window
from symgrad.report import Heatmap, Line, Panel, Points
from symgrad.symbols import n, w, x

DEPTH = 50
START = sympy.Rational(1, 2)
LOG10 = np.log(10.0)
SEED, INPUTS, DRIVEN_WEIGHT = 0, 200, 6
LAP_WEIGHT = 3.5
INFINITE = (Side.PLUS_INFINITY, Side.MINUS_INFINITY)
KIND_BY_INFINITE_SIDES = (CliffKind.WALL, CliffKind.ESCARPMENT, CliffKind.CANYON)


@dataclass(frozen=True)
class Net:
    """A tied net with the box its cliffs are looked for in, and the weight at which a crossing is tried.

    Parameters
    ----------
    text : the layers of one application, first layer first
    box : of w and b
    at : the weight of the row of the table
    """

    text: str
    box: dict
    at: sympy.Rational

    @property
    def chain(self) -> Composition:
        """One application."""
        return composition_from_text(self.text, state="x")


NETS = (
    Net("tanh(w*x + b)", {"w": (0, 3), "b": (-1, 1)}, sympy.Integer(2)),
    Net("tanh(3*x/2) | w*x + b", {"w": (0, 3), "b": (-2, 1)}, sympy.Integer(2)),
    Net("w*softplus(x) + b", {"w": (0, 3), "b": (-3, 1)}, sympy.Integer(2)),
)
ROUGH = Net("w*sin(x) + b", {"w": (0, 4), "b": (-1, 1)}, sympy.Rational(7, 2))
DRIVEN = composition_from_text("w*sigmoid(x) + b + u[k]", state="x")


@sg.analysis(
    question="Do other nets have cliffs as well, and of what kind?",
    reference=(
        "Pascanu, Mikolov & Bengio (2013), ICML, section 2.3 (arXiv 1211.5063); Singer (1978), SIAM J. Appl. Math. "
        "35:260; Milnor & Thurston (1988), Lecture Notes in Mathematics 1342 (laps)"
    ),
)
def cliff_kinds(scale: sg.Scale) -> sg.Report:
    """Walls, escarpments and roughness: what a cliff is like depends on what lies on its two sides.

    Bounded increasing units have walls, units without an upper bound have escarpments, inputs move the wall without
    removing it, and a unit that is not monotone can have so many that no list exists.
    """
    exact_panels, rows = zip(*(examined(net, scale) for net in NETS[: 1 if scale.quick else None]), strict=True)
    driven_panel, driven_row, driven_blocks = driven(scale)
    rough_panel, laps_panel, rough_row, rough_blocks = rough(scale)
    return sg.Report(
        sg.Formula(r"\theta = (w, b),\quad x_0 = \tfrac12,\quad L = (x_T - 1)^2", f"five nets, T = {DEPTH}"),
        sg.Figure(
            [*exact_panels, driven_panel, *([] if scale.quick else [rough_panel]), laps_panel],
            "Above: the steepness of three nets with their exact lines and fold arcs. Below: a net with 200 random "
            "inputs, where all levels of its last state are crossed at one value of b; a chaotic unit; and the number "
            "of monotone pieces of its last state, which grows exponentially.",
            alt="Three maps of steepness with exact curves, levels of a driven net, a rough map, lap counts.",
            columns=3,
            size=(14.5, 10.4),
        ),
        sg.Table(
            ("net", "kind", "equation", "where", "verdict", "coverage", "x beside it"),
            [*(row for part in rows for row in part), driven_row, rough_row],
            "Equations and their verdicts are exact algebra; coverage says whether another cliff can be in the box. "
            "The last column is measured: the state after 400 steps from 1e-6 below and above the line at the weight "
            "named.",
        ),
        *driven_blocks,
        *rough_blocks,
    )


def steepness(chain, box, scale, title, layers, low=-3.0, high=3.0):
    """Return a panel of log10 of the gradient's norm with layers on it."""
    kernel = sg.to_kernel(sg.gradient(chain**n, (x - 1) ** 2, wrt="w,b"))
    axes = [sg.Axis(name, *box[name], scale.points) for name in ("w", "b")]
    with np.errstate(all="ignore"):
        swept = sg.sweep(kernel, *axes, start=0.5, depth=DEPTH, progress=False).outcome
        norm = 0.5 * np.logaddexp(*(2 * swept.gradient[name].log_abs for name in ("w", "b"))) / LOG10
    field = Heatmap(
        *(axis.values for axis in axes),
        np.where(np.isfinite(norm), norm, np.nan),
        r"$\log_{10}\,\Vert\nabla L\Vert$",
        low=low,
        high=high,
        missing="gradient 0 or undefined",
    )
    limits = {"xlim": box["w"], "ylim": box["b"]}
    return Panel([field, *layers], "$w$", "$b$", title, legend="below", **limits)


def examined(net, scale):
    """Return the panel of a net and its rows: every exact curve in its box, its kind and what it rests on."""
    window = read_window(net.box)
    curves = [c for c in cliff_curves(net.chain**n, ("w", "b"), START) if c.origin != "flip"]
    covered = coverage(net.chain**n, window.box, {}, along="b", listed=True)
    layers, rows = [], []
    for part in candidates_in(curves, window):
        colour = {"basin line": "vermillion", "fold": "orange"}.get(part.curve.origin, "sky")
        layers.append(Line(*part.path.T, f"{part.curve.origin} (exact)", colour=colour, width=2.4))
        infinite = sum(side in INFINITE for side in (part.curve.side_below, part.curve.side_above))
        kind = CliffKind.RIDGE if part.curve.origin == "infinity" else KIND_BY_INFINITE_SIDES[infinite]
        rows.append(
            (
                f"`{net.text}`",
                f"{kind.word}, {part.curve.origin}",
                f"`{part.curve.equation}`",
                f"`{part.curve.valid}`",
                part.curve.verdict.word,
                covered.method,
                beside(net, part.curve),
            )
        )
    return steepness(net.chain, net.box, scale, net.text.replace("*", " "), layers), rows


def beside(net, curve):
    """Return the states that the start reaches beside a line at the net's weight."""
    if curve.origin != "basin line":
        return ""
    line = float(curve.expressions["b"].subs(w, net.at))
    ends = np.array([line - 1e-6, line + 1e-6])
    with np.errstate(all="ignore"):
        state = sg.to_kernel(net.chain**n)(0.5, {"w": float(net.at), "b": ends}, depth=400).state[0]
    return " and ".join(f"{value:.4f}" if abs(value) < 1e6 else "∞" for value in state) + f" at w = {net.at}"


def driven(scale):
    """Return how three levels of a driven net, pulled back through its inverses, meet in one value of b."""
    inputs = np.random.default_rng(SEED).normal(0.0, 0.3, INPUTS)
    depths = (5, INPUTS) if scale.quick else (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 140, INPUTS)
    found = {
        (level, T): pull_back(DRIVEN, level, START, "b", -6, -1, {"w": DRIVEN_WEIGHT, "u": inputs[:T].tolist()}, T)
        for level in (-1, 0, 1)
        for T in depths
    }
    spread = [max(found[c, T].value for c in (-1, 0, 1)) - min(found[c, T].value for c in (-1, 0, 1)) for T in depths]
    met = [value if value > 0 else np.nan for value in spread]
    end = [found[c, INPUTS] for c in (-1, 0, 1)]
    layers = [Points(depths, met, "largest − smallest of three values of b", colour="blue")]
    zero = [T for T, value in zip(depths, spread, strict=True) if value == 0]
    title = f"w σ(x) + b + u[k], w = {DRIVEN_WEIGHT}"
    panel = Panel(layers, "$T$", r"spread of $b$ at which $x_T = -1, 0, 1$", title, yscale="log", legend="below")
    box = {"w": (5, 7), "b": (-5, -2)}
    covered = coverage(DRIVEN**INPUTS, read_window(box).box, {}, along="b", listed=False)
    row = (
        "`w*sigmoid(x) + b + u[k]`",
        "wall, located",
        f"b = {end[1].exact} at w = {DRIVEN_WEIGHT}",
        f"T = {INPUTS}",
        end[1].verdict.word,
        covered.method,
        "",
    )
    blocks = (
        sg.Text(
            f"**Inputs.** u[k] is normal with standard deviation 0.3 (seed {SEED}). Shooting forward would magnify "
            "every rounding by the growth along the edge; instead the level c of the last state is pulled back through "
            "the inverses of the layers, which contract. From T = "
            f"{zero[0] if zero else INPUTS} on the levels −1, 0 and 1 give the same b to the last bit:"
        ),
        sg.Table(
            ("level c", f"b at T = {depths[-1]}", "rests on"),
            [(f"{c}", one.exact, one.statement) for c, one in zip((-1, 0, 1), end, strict=True)],
        ),
        *([] if scale.quick else [forward_runs(inputs, end[1])]),
    )
    return panel, row, blocks


def forward_runs(inputs, crossing):
    """Return many-digit forward runs just below and above the value pulled back."""
    kernel = sg.to_kernel(DRIVEN**INPUTS, digits=60)
    exact = [sympy.Rational(float(value)) for value in inputs]
    rows = []
    for text in ("-1e-14", "1e-14"):
        at = sympy.Rational(crossing.value) + sympy.Rational(text)
        state = kernel(START, {"w": sympy.Integer(DRIVEN_WEIGHT), "b": at, "u": exact}).state[0]
        rows.append((text, f"{float(state):.6f}"))
    return sg.Table(
        ("b − b at c = 0", f"x after {INPUTS} steps"), rows, "Forward runs in 60 digits: they end on different sides."
    )


def rough(scale):
    """Return the map of a chaotic unit, the growth of its laps against a monotone unit's, and its row."""
    laps = count_laps(ROUGH.chain, 0.5, "b", -1, 1, {"w": LAP_WEIGHT}, most=2**13 if scale.quick else 2**16)
    smooth = count_laps(sg.Map("w*sigmoid(x) + b", "x"), 0.5, "b", -6, -1, {"w": 5.0})
    covered = coverage(ROUGH.chain**n, read_window(ROUGH.box).box, {}, along="b", listed=True, laps=(laps,))
    curve = cliff_curves(ROUGH.chain**n, ("w", "b"), START)[0]
    known = [(T, count) for T, count in zip(laps.depths, laps.counts, strict=True) if count is not None]
    depths, counts = np.array(known, dtype=float).T
    flat = [(T, count) for T, count in zip(smooth.depths, smooth.counts, strict=True) if count and depths[-1] >= T]
    panel = Panel(
        [
            Points(depths, counts, f"w sin x + b, w = {LAP_WEIGHT}", colour="vermillion", marker="square"),
            Line(
                depths,
                counts[-1] * np.exp(laps.rate * (depths - depths[-1])),
                f"{laps.rate:.3f} nats per step",
                colour="vermillion",
                stroke="dotted",
            ),
            Points(*zip(*flat, strict=True), "w σ(x) + b, w = 5", colour="blue"),
        ],
        "$T$",
        "monotone pieces of $x_T(b)$",
        "laps",
        yscale="log",
        legend="below",
    )
    row = (
        f"`{ROUGH.text}`",
        "rough",
        f"`{curve.equation}` and without end more",
        f"`{curve.valid}`",
        covered.verdict.word,
        covered.method,
        "",
    )
    blocks = (sg.Text(f"**Roughness.** {covered.statement} {laps.statement[0].upper()}{laps.statement[1:]}."),)
    return steepness(ROUGH.chain, ROUGH.box, scale, "w sin x + b", ()), panel, row, blocks
