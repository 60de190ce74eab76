"""Which architectures make gradients vanish or explode at initialisation, how fast, and what their gates change."""

from collections.abc import Sequence

import numpy as np

import symgrad as sg
from symgrad.maps.cells import cell
from symgrad.maps.cells.notation import meanings_latex
from symgrad.phenomena.networks.architectures import Architecture, leading_log_singular_values, log_norms, walk
from symgrad.phenomena.networks.products import log_singular_values
from symgrad.report import Band, HorizontalLine, Line, Panel, Points
from symgrad.symbols import n

SEED, WIDTH = 20, 32
TENFOLD = np.log(10.0)
LSTM_1, RNN = "LSTM, forget bias 1", "vanilla RNN"
NETWORKS = (
    Architecture("plain tanh", "dense"),
    Architecture("plain ReLU", "dense", "he", options={"activation": "relu"}),
    Architecture("plain sigmoid", "dense", options={"activation": "sigmoid"}),
    Architecture("residual, x + φ", "residual"),
    Architecture("leaky, a = 1/10", "leaky", options={"branch": "1/10"}),
    Architecture("LSTM, forget bias 0", "lstm", forget_bias=0),
    Architecture(LSTM_1, "lstm", forget_bias=1),
    Architecture("LSTM, chrono", "lstm", forget_bias="chrono"),
    Architecture("GRU", "gru"),
)
VANILLA = Architecture(RNN, "rnn")
SCALED = (
    Architecture("residual, branch 1/√L", "residual", options={"branch": "1/sqrt(L)"}),
    Architecture("residual, branch 1/L", "residual", options={"branch": "1/L"}),
)
OTHERS = (
    Architecture("orthogonal tanh", "dense", "orthogonal"),
    Architecture("vanilla RNN, uniform ±1/√n", "rnn", "uniform"),
    Architecture("LSTM, uniform ±1/√n", "lstm", "uniform"),
)
PATH = (
    "diff(c*sigmoid(v*o*tanh(c) + b) + sigmoid(p*o*tanh(c) + q)*tanh(r*o*tanh(c) + s), c) = sigmoid(v*o*tanh(c) + b)"
    " + c*sigmoid(v*o*tanh(c) + b)*(1 - sigmoid(v*o*tanh(c) + b))*v*o*(1 - tanh(c)**2)"
    " + tanh(r*o*tanh(c) + s)*sigmoid(p*o*tanh(c) + q)*(1 - sigmoid(p*o*tanh(c) + q))*p*o*(1 - tanh(c)**2)"
    " + sigmoid(p*o*tanh(c) + q)*(1 - tanh(r*o*tanh(c) + s)**2)*r*o*(1 - tanh(c)**2)"
)


@sg.analysis(
    question="Which architectures vanish or explode at initialisation, and what do gates and skips change?",
    reference=(
        "Hochreiter & Schmidhuber (1997); Gers, Schmidhuber & Cummins (2000); Cho et al. (2014); He et al. (2016); "
        "Tallec & Ollivier (2018), arXiv 1804.11188; Pascanu, Mikolov & Bengio (2013), section 2"
    ),
)
def architectures(scale: sg.Scale) -> sg.Report:
    """Plain, leaky and recurrent nets vanish, a residual stack explodes; branches scaled with depth do neither.

    An LSTM with forget bias 1 vanishes less than half as fast as a vanilla RNN of equal width, and its forget gate is
    the factor that makes the difference: with bias 0, where it is about 1/2, the LSTM is no better than the RNN.
    """
    return sg.Report(
        *the_factors(),
        *the_spread(scale),
        *the_widths(scale),
        *the_cell_path(scale),
        *the_shares(scale),
        *how_alike(scale),
    )


def the_factors():
    """Return the Jacobian of every architecture as named factors, and the proof of the cell path in scalars."""
    rows = []
    for name, options in (("dense", {}), ("residual", {"branch": "a"}), ("leaky", {}), ("highway", {}), ("rnn", {})):
        layer = cell(name, **options)
        rows.append((name, f"${layer.jacobian().latex(tied=name == 'rnn')}$"))
    rows.append(("gru", f"${cell('gru').jacobian().latex(tied=True)}$"))
    lstm = cell("lstm")
    return (
        sg.Text(
            "**One factor per layer.** The Jacobian of a step is a sum of products of named factors, one product for "
            "each way from the new state back to the old one. With rows for the new state, $W_k$ and $V$ the weights "
            "that act on the state, $D_k$ the diagonal matrix of slopes of the activation, and one more $D$ for each "
            "gate:"
        ),
        sg.Table(("cell", "∂(state k)/∂(state k − 1)"), rows, "LSTM: below. Inputs and biases shift where D is taken."),
        sg.Formula(cell("dense").depth_jacobian(n).latex(), "a deep net of dense layers; the last stands on the left"),
        sg.Formula(lstm.latex(tied=True), "the LSTM cell with a forget gate (Gers, Schmidhuber & Cummins 2000)"),
        sg.Formula(
            r"\frac{dc_k}{dc_{k-1}} = " + lstm.carried("c").latex(tied=True),
            "its cell path: the forget gate, and three gates by way of the output of the step before",
        ),
        sg.Formula(meanings_latex(lstm.jacobian(), tied=True), "its slopes"),
        sg.Text("For one unit, with the earlier output gate $o$ held, that sum of four products is the derivative:"),
        sg.Claim(PATH).examine(),
    )


def depth_of(scale) -> int:
    """Return the depth of the nets."""
    return 30 if scale.quick else 100


def generator(*key: int) -> np.random.Generator:
    """Return the random numbers of one place of the report."""
    return np.random.default_rng([SEED, *key])


def singular_values(network, depths, *, width, members, rng):
    """Return log σ at the given depths, shape (depths, s, members); exact zeros of ReLU nets are -inf."""
    steps = list(walk(network, width=width, depth=depths[-1], members=members, rng=rng))
    relu = network.options.get("activation") == "relu"
    ranks = [(s.value("x_new") > 0).sum(axis=0) for s in steps] if relu else None
    return log_singular_values([s.jacobian for s in steps], depths, ranks=ranks)


def the_spread(scale):
    """Return the distribution of log singular values against depth for every architecture."""
    width, members = (8, 2) if scale.quick else (WIDTH, 3)
    depths = [1, 5, 10, 20, 30] if scale.quick else [1, 10, 20, 40, 60, 80, 100]
    deepest = depths[-1]
    panels, rows = [], []
    shown = (*NETWORKS[:2], NETWORKS[6]) if scale.quick else NETWORKS
    for place, network in enumerate((*shown, VANILLA)):
        values = singular_values(network, depths, width=width, members=members, rng=generator(1, place))
        rows.append(spread_row(network, values[-1] / deepest))
        if network is not VANILLA:
            panels.append(spread_panel(network, depths, values, "below" if place >= len(shown) - 3 else "none"))
    return (
        sg.Text(
            f"**How singular values spread with depth.** {members} random nets each, {width} units, at standard "
            "initialisation: Glorot's normal law, He's for ReLU, biases 0; standard normal states at the first layer. "
            "Feed-forward layers have weights of their own; recurrent cells share theirs, start at rest and get as "
            "many standard normal inputs as units in every step, and their product is that of the whole state "
            f"(for the LSTM $(h, c)$, {2 * width} numbers). Chrono biases are drawn for a horizon of {deepest} steps."
        ),
        sg.Figure(
            panels,
            "Quantiles of log σ over all directions and nets, exact zeros left out; every panel has its own scale. "
            "Plain nets fan out over hundreds of nats, and sigmoid sinks as a whole; the identity in a residual stack "
            "and in a leaky one keeps all directions together; an LSTM keeps its better half, the cell states, near "
            "the rate of its forget gates and loses the other half, the outputs, far faster.",
            alt="Nine panels: quantiles of the logarithm of singular values against depth, one per architecture.",
            columns=3,
            size=(12.5, 3.6 if scale.quick else 10.0),
        ),
        sg.Table(
            ("architecture", "largest", "upper quartile", "median", "smallest that is not 0", "exactly 0"),
            rows,
            f"log σ/{deepest} after {deepest} layers, in nats per layer: mean over the nets ± standard error. "
            "Carried by one QR factorisation per layer with rows of separate exponents, so that directions hundreds of "
            "nats apart stay apart, each log σ right to 0.01 nats; exact zeros counted by the least number of active "
            "units in any layer.",
        ),
    )


def spread_row(network, values):
    """Return the rates of one architecture: log σ over depth at some quantiles, with errors, and the share of zeros."""
    finite = np.isfinite(values)
    least = np.array([column[there].min() for column, there in zip(values.T, finite.T, strict=True) if there.any()])
    cells = [values[int(q * len(values))] for q in (0.0, 0.25, 0.5)]
    texts = [with_error(v) if np.isfinite(v).all() else "0 in some nets" for v in (*cells, least)]
    return (network.name, *texts, f"{1 - finite.mean():.0%}")


def with_error(values) -> str:
    """Return mean ± standard error of independent values."""
    error = f"{np.std(values, ddof=1) / np.sqrt(len(values)):.3f}" if len(values) > 1 else "?"
    return f"{minus(np.mean(values))} ± {error}"


def spread_panel(network, depths, values, legend):
    """Return one panel: the range, the middle 80 per cent and the median of log σ over directions and nets."""
    pooled = [np.sort(v[np.isfinite(v)]) for v in values.reshape(len(depths), -1)]
    there = np.array([len(v) > 0 for v in pooled])
    reach = np.array(depths)[there]
    low, tenth, middle, ninety, high = np.array([np.quantile(v, (0.0, 0.1, 0.5, 0.9, 1.0)) for v in pooled if len(v)]).T
    zeros = np.mean(np.isneginf(values[-1]))
    title = f"{network.name} (in the end {zeros:.0%} are exactly 0)" if zeros else network.name
    layers = [
        HorizontalLine(0.0),
        Band(reach, tenth, ninety, "middle 80 %", colour="sky"),
        Line(reach, high, "largest", colour="vermillion"),
        Line(reach, middle, "median", colour="black"),
        Line(reach, low, "smallest", colour="blue"),
    ]
    return Panel(layers, "depth", r"$\log\sigma$ [nats]", title, legend=legend)


def drawn(values):
    """Return values with exact zeros as gaps."""
    return np.where(np.isfinite(values), values, np.nan)


def the_widths(scale):
    """Return the rates of the largest and of the upper quartile of singular values against the width."""
    widths, depth = ([1, 4, 16] if scale.quick else [1, 4, 16, 64, 256]), 12
    colours = ("blue", "orange", "green", "vermillion", "purple", "black", "blue", "green", "grey")
    top, quarter = [HorizontalLine(0.0)], []
    for place, (network, colour) in enumerate(zip((*NETWORKS[:5], VANILLA, *NETWORKS[6:]), colours, strict=True)):
        found = []
        for width in widths:
            members = max(1, min(64, 128 // width))
            steps = walk(network, width=width, depth=depth, members=members, rng=generator(2, place, width))
            values = leading_log_singular_values(steps) / depth
            values = np.where(np.isnan(values), -np.inf, values)
            found.append([np.median(values[0]), np.median(values[len(values) // 4])])
        stroke = "solid" if place < 5 else "dashed"
        for layers, column in zip((top, quarter), np.array(found).T, strict=True):
            layers.append(Line(widths, drawn(column), network.name, colour=colour, stroke=stroke))
            layers.append(Points(widths, drawn(column), colour=colour, size=4.0))
    label, shared = "width", {"xscale": "log"}
    panels = [
        Panel(top, label, "rate of the largest σ [nats per layer]", "largest", legend="none", **shared),
        Panel(
            [HorizontalLine(0.0), *quarter],
            label,
            "rate of the quartile [nats per layer]",
            "upper quartile",
            legend="right",
            **shared,
        ),
    ]
    return (
        sg.Text(
            f"**From 1 to {widths[-1]} units.** The same nets at depth {depth}: the median over 64 nets of 1 "
            "unit, 32 of 4, 8 of 16, 2 of 64, and one net of 256, which is typical by its size."
        ),
        sg.Figure(
            panels,
            "Narrow nets vanish faster: one unit multiplies plain numbers, whose typical size is below their mean; "
            "where a ReLU point is missing the median is exactly 0. From some 16 units on the rates hardly move. At "
            "depth 12 the largest singular value still stands above its rate at depth 100.",
            alt="Rates of the largest singular value and of the upper quartile against the width, nine architectures.",
            columns=2,
            size=(12.5, 4.6),
        ),
    )


def gate_path(network, *, width, depth, members, rng):
    """Return log‖∂(state T)/∂(state 0)‖, log‖∏ diag f‖ after every step, and the mean factor and its rate, per net."""
    kept = []

    def watched():
        for step in walk(network, width=width, depth=depth, members=members, rng=rng):
            kept.append(step.value("f") if network.cell == "lstm" else 1 - step.value("h_new") ** 2)
            yield step

    whole, factors = log_norms(watched()), np.array(kept)
    if network.cell != "lstm":
        return whole, None, factors.mean(axis=(0, 1)), np.log((factors**2).mean(axis=(0, 1))) / 2
    sums = np.cumsum(np.log(factors), axis=0)
    top = sums.max(axis=1)
    alone = top + np.log(np.exp(2 * (sums - top[:, None])).mean(axis=1)) / 2
    return whole, alone, factors.mean(axis=(0, 1)), np.log(factors).mean(axis=(0, 1))


def late_rate(logs):
    """Return the rate over the second half of the steps, for each net."""
    half = len(logs) // 2
    return (logs[-1] - logs[half - 1]) / (len(logs) - half)


def the_cell_path(scale):
    """Return an LSTM against a vanilla RNN of equal width: measured rates and the factor that makes the difference."""
    width, members = (8, 4) if scale.quick else (WIDTH, 12)
    depth, rows, layers = depth_of(scale), [], [HorizontalLine(0.0)]
    depths = np.arange(1, depth + 1)
    colours = {RNN: "black", "LSTM, forget bias 0": "orange", LSTM_1: "blue", "LSTM, chrono": "green"}
    for place, network in enumerate((VANILLA, *NETWORKS[5:8])):
        whole, alone, mean, log = gate_path(network, width=width, depth=depth, members=members, rng=generator(3, place))
        colour, rate = colours[network.name], with_error(late_rate(whole))
        layers.append(Line(depths, np.median(whole, axis=1), network.name, colour=colour))
        if alone is None:
            rows.append((network.name, rate, "–", f"φ′: {mean.mean():.3f}", f"½ log E φ′² = {minus(log.mean())}"))
        else:
            layers.append(Line(depths, np.median(alone, axis=1), "∏ diag f alone", colour=colour, stroke="dotted"))
            path = with_error(late_rate(alone))
            rows.append((network.name, rate, path, f"f: {mean.mean():.3f}", f"E log f = {minus(log.mean())}"))
    return (
        sg.Text(
            f"**Why the LSTM forgets more slowly.** A vanilla RNN and LSTMs of {width} units, {members} nets each, the "
            r"same law of weights and inputs; the size of a product is $\|\cdot\|_F/\sqrt{s}$ with $s$ numbers in the "
            "state. The RNN multiplies $D_k V$ in every step: slopes below 1, times a random matrix that turns every "
            "direction into a typical one. The LSTM's cell path adds to diag(f), which turns nothing, three products "
            "with slopes and weights."
        ),
        sg.Figure(
            Panel(layers, "steps back", r"$\log\,\|\partial s_T/\partial s_0\|_F/\sqrt{s}$ [nats]", legend="right"),
            "Medians over the nets. Solid: the whole Jacobian product. Dotted: the product of the forget gates alone. "
            "With bias 0 the gates forget faster than the RNN does, with bias 1 more slowly, and with chrono biases "
            "they carry the whole product.",
            alt="Log size of Jacobian products against steps back: RNN falls fastest, chrono LSTM hardly falls.",
            size=(9.0, 4.6),
        ),
        sg.Table(
            ("cell", "rate measured", "rate of ∏ diag f alone", "mean factor", "its rate"),
            rows,
            f"Rates in nats per step between steps {depth // 2} and {depth}, mean over nets ± standard error. A wide "
            "net at Glorot's variance has the rate ½ log E φ′² (Schoenholz et al. 2017). The units with the most open "
            "gates set the rate of ∏ diag f, so it lies above E log f, the mean over units.",
        ),
        *without_paths(scale),
    )


def without_paths(scale):
    """Return the rates of the LSTM with forget bias 1 when single paths of its Jacobian are left out."""
    width, members = (8, 2) if scale.quick else (WIDTH, 4)
    network = NETWORKS[6]
    steps = list(walk(network, width=width, depth=depth_of(scale), members=members, rng=generator(6)))
    gates = {
        "the forget gate's slope": ("through the forget gate", "and the forget gate"),
        "the input gate's slope": ("input gate",),
        "the candidate's slope": ("candidate",),
        "the output gate's slope": ("output gate",),
    }
    cases = {"nothing": (), **gates, "all four": tuple(w for words in gates.values() for w in words)}
    rows = [(left_out, with_error(late_rate(reduced_norms(steps, words)))) for left_out, words in cases.items()]
    return (
        sg.Text("Leaving out named paths of the same Jacobians, along the same orbits, tells what each of them adds:"),
        sg.Table(
            ("left out", "rate of what remains"),
            rows,
            f"{network.name}, {width} units, {members} nets; nats per step, mean ± standard error. Without all four "
            "the product of the forget gates remains. So the cell loses what its forget gates close; the candidate, a "
            "vanilla RNN inside the cell, gives about a third of that back, and the gates' own slopes add nothing "
            "that stands above the errors.",
        ),
    )


def reduced_norms(steps, words):
    """Return log(‖·‖_F/√s) of the product of Jacobians without the paths named, shape (steps, members)."""
    product, sums, found = None, 0.0, []
    for step in steps:
        factor = np.ascontiguousarray(np.moveaxis(step.without(*words), -1, 0))
        product = factor if product is None else factor @ product
        sizes = np.linalg.norm(product, axis=(1, 2)) / np.sqrt(product.shape[1])
        product, sums = product / sizes[:, None, None], sums + np.log(sizes)
        found.append(sums)
    return np.array(found)


def minus(value) -> str:
    """Return a number with three decimals and a true minus sign."""
    return f"{value:.3f}".replace("-", "−")


def the_shares(scale):
    """Return the share of random nets in each regime, with intervals."""
    members, width, depth = (40 if scale.quick else 200), 8, depth_of(scale)
    rows = []
    for place, network in enumerate((*NETWORKS, *SCALED, VANILLA, *OTHERS)):
        norms = log_norms(walk(network, width=width, depth=depth, members=members, rng=generator(4, place)))
        last, early = norms[-1], norms[9]
        zero = np.isneginf(last)
        groups = (zero, (last < -TENFOLD) & ~zero, np.abs(last) <= TENFOLD, last > TENFOLD)
        shallow = "–" if network in SCALED else share(np.abs(early) <= TENFOLD)
        rows.append((network.name, *map(share, groups), shallow))
    return (
        sg.Text(
            '**"In practice only vanishing and exploding occur."** Of a random product with a rate λ ≠ 0 that is what '
            "depth makes of it in the end. At a depth that is used, three other things occur: products that are "
            "*exactly zero*, since a ReLU layer without an active unit passes nothing on; products that stay within "
            "a factor 10 of their start, by branches scaled with the depth, by orthogonal weights or by gates set for "
            "the horizon; and shallow nets, which have not had the time."
        ),
        sg.Table(
            ("architecture", "exactly 0", "vanishing", "within a factor 10", "exploding", "within 10 at depth 10"),
            rows,
            f"Share of {members} random nets of {width} units by the size of their product, ‖J‖_F/√s, at depth "
            f"{depth}: below 1/10 vanishing, above 10 exploding. In brackets Wilson's 95 % interval.",
        ),
    )


def share(hits: Sequence[bool]) -> str:
    """Return a share with Wilson's 95 % interval (Wilson 1927)."""
    count, z = len(hits), 1.959964
    p = float(np.mean(hits))
    centre, spread = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    low, high = ((centre + sign * spread) / (1 + z * z / count) for sign in (-1, 1))
    return f"{100 * p:.4g} % ({100 * max(low, 0):.2g}–{100 * min(high, 1):.3g})"


def how_alike(scale):
    """Return how much the factors of nets with one activation differ from layer to layer."""
    depth, members = depth_of(scale), (2 if scale.quick else 8)
    settings = (
        ("one tanh unit, weights of its own in every layer", Architecture("a", "dense"), 1, 0),
        ("8 tanh units, weights of their own", Architecture("a", "dense"), 8, 0),
        (f"{WIDTH} tanh units, weights of their own", Architecture("a", "dense"), WIDTH, 0),
        (f"{WIDTH} tanh units, recurrent, driven by inputs", VANILLA, WIDTH, 0),
        (
            f"{WIDTH} tanh units, recurrent, no input, gain 1/2, settled",
            Architecture("a", "rnn", driven=False, gain=0.5),
            WIDTH,
            100,
        ),
        (f"{WIDTH} linear units, recurrent", Architecture("a", "rnn", options={"activation": "identity"}), WIDTH, 0),
    )
    rows = []
    for place, (words, network, width, transient) in enumerate(settings):
        steps = list(
            walk(network, width=width, depth=depth, members=members, rng=generator(5, place), transient=transient)
        )
        tops = np.array([np.log(np.linalg.norm(np.moveaxis(s.jacobian, -1, 0), 2, axis=(1, 2))) for s in steps])
        rate = leading_log_singular_values(steps)[0] / depth
        rows.append((words, with_error(tops.mean(axis=0)), f"{tops.std(axis=0).mean():.3f}", with_error(rate)))
    return (
        sg.Text(
            '**"The same activation everywhere makes all factors alike."** No: a factor is φ′ *at the state that '
            "enters its layer*, times the weights of that layer. Factors are equal only where weights are shared and "
            "the state does not move: linear units, or an undriven recurrent net that has settled. In wide nets the "
            "largest singular value varies little from layer to layer, and the factors are still not alike: "
            "their singular directions differ, so that the product grows at a far smaller rate than its factors' norms."
        ),
        sg.Table(
            ("net", "mean of log ‖J_k‖", "standard deviation over layers", "rate of the product"),
            rows,
            f"‖·‖ the largest singular value; nats per layer, {depth} layers, {members} nets, mean ± standard error. "
            "For one unit the rate of the product is the mean of the factors; for many it is smaller.",
        ),
    )
