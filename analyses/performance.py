"""Seconds for whole surfaces of loss and gradient against depth, beside other tools, from a saved benchmark run."""

import json
from pathlib import Path

import symgrad as sg
from symgrad.report import Line, Panel

SAVED = Path(__file__).with_suffix(".json")
SURFACES = {
    "A": "A: x ← wσ(x) + b, w in [4, 8], b in [−6, −1]",
    "B": "B: x ← w tanh(x) + b, w in [4, 8], b in [−6, −1]",
    "C": "C: as B, w in [−4, 4], b in [−2, 2]",
}
DRAWN = {
    "symgrad llvm": ("blue", "solid"),
    "symgrad numpy": ("vermillion", "solid"),
    "symgrad llvm, dense": ("sky", "dashed"),
    "C dense": ("black", "dashed"),
    "C early exit": ("black", "dotted"),
    "one-step lambdify looped": ("orange", "dashed"),
    "JAX forward": ("green", "dashed"),
    "JAX while_loop": ("green", "dotted"),
    "torch.compile": ("purple", "dashed"),
    "numba": ("grey", "dashed"),
}

READING = sg.Text(
    "Generated C and JAX are flat as well when they are told to stop; C with an early exit, written for this one "
    "surface, is the yardstick for what is left to gain. JAX's `while_loop` stops when the slowest point of the grid "
    "stops, which on surface C is at no depth drawn here. Differentiating the fixed point implicitly is quicker still "
    "and answers another question: it forgets the start, so that its gradient is wrong wherever the depth is felt."
)


@sg.analysis(
    question="How long does a surface of losses and gradients take, and what does depth cost?",
    reference="Griewank & Walther (2008), Evaluating Derivatives, chapters 3 and 15 (fixed points)",
)
def performance(scale: sg.Scale) -> sg.Report:
    """Where orbits settle, a million steps cost about what a thousand do; who does not look pays for each."""
    saved = json.loads(SAVED.read_text())
    rows = saved["rows"]
    return sg.Report(introduction(saved), figure(rows), READING, *tables(rows), goals(saved), accuracy(rows))


def introduction(saved):
    """Return what was measured, and on what."""
    machine = saved["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    busy = ""
    if machine["load"] > machine["cores"]:
        busy = " (other programs ran beside it, so that seconds are too long and ratios are what can be compared)"
    absent = f" Not installed for this run: {', '.join(saved['absent'])}." if saved["absent"] else ""
    return sg.Text(
        "Every contestant returns the loss, its two gradients and the logarithm of the chain product in float64 at "
        f"every point of a grid, on two threads where it can. Medians of one run in which the contestants take "
        f"turns, on {machine['processor']}, {machine['cores']} cores, {machine['system']}, Python "
        f"{machine['python']}, load average {machine['load']:.1f} when the result was written{busy}; "
        f"{versions}.{absent} Written by `python tests/benchmarks/surfaces.py --save analyses/performance.json`; "
        "nothing here is measured again when the report is made."
    )


def figure(rows):
    """Return seconds against depth on surface B."""
    lines = []
    for name, (colour, stroke) in DRAWN.items():
        found = [row for row in rows if row["surface"] == "B" and row["contestant"] == name]
        if len(found) > 1:
            depths, seconds = [row["depth"] for row in found], [row["seconds"] for row in found]
            lines.append(Line(depths, seconds, name, colour=colour, stroke=stroke))
    return sg.Figure(
        Panel(lines, "depth $T$ [steps]", "seconds", "", xscale="log", yscale="log", legend="right"),
        "Surface B, 256² points. Solid: symgrad, whose settled orbits are finished in closed form: flat. Dashed: every "
        "step is taken, seconds grow like $T$; a line ends where the next depth would have taken too long. Dotted: "
        "contestants that stop early.",
        alt="Seconds against depth, log-log: symgrad and early exits are flat, the others rise in proportion to depth.",
    )


def tables(rows):
    """Return seconds and ratios for every surface and depth."""
    for surface, title in SURFACES.items():
        chosen = [row for row in rows if row["surface"] == surface]
        if chosen:
            points = chosen[0]["points"]
            chosen.sort(key=lambda row: (row["depth"], row["seconds"]))
            cells = [(row["depth"], row["contestant"], f"{row['seconds']:.4f}", ratio(row)) for row in chosen]
            yield sg.Table(
                ("depth", "contestant", "seconds", "seconds / dense C"), cells, f"Surface {title}, {points} points."
            )


def ratio(row):
    """Return the ratio to generated C, marked where C was extrapolated in depth."""
    return f"{row['ratio']:.3g}{' (C extrapolated)' if row['extrapolated'] else ''}" if "ratio" in row else "not known"


def goals(saved):
    """Return what was aimed at and what was reached."""
    cells = []
    for goal in saved["goals"]:
        value = goal["value"]
        verdict = "not measured" if value is None else "met" if value <= goal["at_most"] else "missed"
        cells.append((goal["goal"], f"{goal['at_most']:.3g}", "-" if value is None else f"{value:.3g}", verdict))
    return sg.Table(("goal", "at most", "reached", "verdict"), cells, "What this project had set itself.")


def accuracy(rows):
    """Return the largest relative errors against 150 digits."""
    deepest = {(row["surface"], row["contestant"]): row for row in rows if row["error"] is not None}
    cells = [
        (row["surface"], row["depth"], row["contestant"], f"{row['error']:.1e}", f"{row['edge_error']:.1e}")
        for row in deepest.values()
    ]
    return sg.Table(
        ("surface", "depth", "contestant", "ordinary points", "beside the cliff"),
        cells,
        "Largest relative error of gradients and log-product, at three points of the grid's box and at three within "
        "1e-4 of the line on which the start is a repelling fixed point; there the problem amplifies the rounding of "
        "each step, whoever computes it. Written as 1 - tanh², the slope cancels: that is the 1e-8 and more elsewhere. "
        "inf: the logarithm of a product that had underflowed to 0.",
    )
