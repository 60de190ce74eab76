"""``symgrad descend``: what an update rule does on a loss surface, step by step, and where it is catapulted."""

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer, number, shown, signed_log, to_text
from symgrad.cli.arguments import Command, Option, one_of, positive_whole_number
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.kernels import SignedLog
    from symgrad.parsing import Constant
    from symgrad.phenomena.descent.paths import Descent

RULES = ("gradient", "newton", "momentum")
SHOWN_STEPS = 12


def first_values(text: str) -> dict[str, values.Value]:
    """Read ``w=5,b=-2.7``.

    >>> sorted(first_values("w=5,b=-2.7"))
    ['b', 'w']
    """
    pieces = re.split(r",(?=\s*[A-Za-z_]\w*\s*=(?!=))", text)
    found = values.once((values.setting(piece) for piece in pieces), "it")
    for name, value in found.items():
        if isinstance(value, tuple):
            raise InputError(f"{name} has {len(value)} values, but one parameter moves at a time; give one number")
    return dict(found)


def one_number(condition: Callable[[float], bool], wanted: str) -> Callable[[str], "Constant"]:
    """Return a reader of one number that fulfils a condition."""

    def read(text: str) -> "Constant":
        found = values.numbers(text)
        if len(found) != 1 or not condition(float(values.exact(found[0]))):
            raise InputError(f"got {text!r}, {wanted}")
        return found[0]

    return read


AT = Option("--at", "w=5,b=-2.7", "the parameters that move, and where they start", first_values)
RULE = Option("--rule", "NAME", "gradient (default), newton or momentum", one_of(*RULES), "gradient")
STEP_SIZE = Option(
    "--step-size",
    "V",
    "the step size; may be left out for newton, where 1 is the undamped step",
    one_number(lambda v: v > 0, "a positive step size is needed, e.g. 0.01"),
)
CLIP = Option(
    "--clip",
    "V",
    "clip the gradient at this threshold",
    one_number(lambda v: v > 0, "a positive threshold is needed, e.g. 1"),
)
CLIP_BY = Option("--clip-by", "norm|value", "what the threshold bounds (default norm)", one_of("norm", "value"))
MOMENTUM = Option(
    "--momentum",
    "BETA",
    "how much of the last step is kept by the rule momentum (default 0.9)",
    one_number(lambda v: 0 <= v < 1, "a number of at least 0 and below 1 is needed, e.g. 0.9"),
)
STEPS = Option("--steps", "N", "how many steps to take", positive_whole_number)
GOAL = Option(
    "--goal",
    "V",
    "the loss that counts as converged (default: 1% of the first, for a loss that cannot be negative)",
    one_number(lambda v: True, "one number is needed, e.g. 0.001"),
)


def descend(arguments: argparse.Namespace) -> Answer:
    """Answer with the path, its catapults, and how it ends."""
    problem = problems.read_problem(arguments)
    _check(problem, arguments)
    problems.extend(arguments.extend)

    from symgrad.derivation import gradient
    from symgrad.phenomena.descent.paths import descend as follow

    moving = tuple(arguments.at)
    walked = follow(
        gradient(problem.composition(), problem.loss, wrt=moving),
        {name: float(values.exact(value)) for name, value in arguments.at.items()},
        start=problem.kernel_start(),
        parameters=problem.kernel_parameters(),
        rule=arguments.rule,
        step_size=_float(arguments.step_size),
        clip=_float(arguments.clip),
        clip_by=arguments.clip_by or "norm",
        momentum=_float(arguments.momentum),
        steps=arguments.steps,
    )
    content = _content(walked, _float(arguments.goal), problem.depth)
    return Answer(content, text=to_text(_shortened(content)))


def _float(value: "Constant | None") -> float | None:
    return None if value is None else float(values.exact(value))


def _check(problem: problems.Problem, arguments: argparse.Namespace) -> None:
    """Refuse what is missing, superfluous or contradictory, before SymPy is imported."""
    for name, example in (("loss", '--loss "(x-1)**2"'), ("at", "--at w=5,b=-2.7"), ("steps", "--steps 100")):
        if getattr(arguments, name) is None:
            raise InputError(f"descend needs --{name}; give e.g. {example}")
    if arguments.step_size is None and arguments.rule != "newton":
        raise InputError(f"the rule {arguments.rule} needs a step size; give e.g. --step-size 0.01")
    if arguments.momentum is not None and arguments.rule != "momentum":
        raise InputError(f"--momentum belongs to the rule momentum, got the rule {arguments.rule}; add --rule momentum")
    if arguments.clip_by is not None and arguments.clip is None:
        raise InputError("--clip-by needs a threshold; give e.g. --clip 1")
    if arguments.clip is not None and arguments.rule == "newton":
        raise InputError("--clip bounds the gradient, and Newton's step is long where that is short; leave --clip out")
    known = sorted(problem.parameters)
    for name in arguments.at:
        if name in problem.state:
            raise InputError(f"--at names {name}, a component of the state; give its start with --start")
        if name in problem.layered:
            raise InputError(
                f"--at names {name}, which has a value per layer; only parameters that all layers share move"
            )
        if name not in known:
            raise InputError(
                f"--at names {name}, which does not occur; the parameters are {', '.join(known) or 'none'}"
            )
        if name in problem.settings:
            raise InputError(f"{name} is given to --at and to --set; the values of --at move, those of --set stay")
    problems.check_values(replace(problem, settings={**problem.settings, **arguments.at}))


def _content(walked: "Descent", goal: float | None, depth: int | str) -> dict[str, object]:
    from symgrad.phenomena.descent.catapults import DEFINITION
    from symgrad.phenomena.descent.curvature import edge_of_stability, sharpness
    from symgrad.phenomena.descent.endings import ENDS, ends_of, goal_of

    left = int(walked.left)
    count = walked.steps if left < 0 else left + 1
    losses = [_number(walked.losses[step]) for step in range(count + 1)]
    lengths = [number(1.0, float(walked.log_lengths[k]), float(walked.lengths[k])) for k in range(count)]
    steepest, end = sharpness(walked), ENDS[int(ends_of(walked, goal))]
    path = [{"point": _point(walked, step), "loss": losses[step]} for step in range(count + 1)]
    catapults = [
        {
            "step": step + 1,
            "length": lengths[step],
            "loss_before": losses[step],
            "loss_after": losses[step + 1],
        }
        for step in range(count)
        if walked.catapults[step]
    ]
    rule = walked.question.rule
    clipped = int(walked.clipped.sum())
    return {
        "status": _sentence(walked, count, losses, len(catapults), end.value),
        "path": path,
        "catapults": catapults,
        "loss_undone": None if losses[-1] is None else _number(walked.undone),
        "overshoots": [
            {
                "step": step + 1,
                "length": lengths[step],
                "factor": number(1.0, size, math.exp(size) if size < 709 else math.inf),
            }
            for step in range(count)
            if walked.thrown[step] and (size := float(walked.log_overshoot[step])) < math.inf
        ],
        "fate": end.word,
        "goal": _number(goal_of(walked, goal)),
        "clipped_steps": clipped,
        "longest_step": number(1.0, float(walked.log_lengths.max()), float(walked.lengths.max())),
        "sharpness": [_number(steepest[step]) for step in range(count + 1)],
        "edge_of_stability": None if rule.name == "newton" else float(edge_of_stability(walked)),
        "definition": DEFINITION,
        "rule": rule.name,
        "step_size": float(rule.step_size),
        "depth": depth,
    }


def _number(one: "SignedLog") -> object:
    return number(float(one.sign), float(one.log_abs), float(one.value))


def _point(walked: "Descent", step: int) -> dict[str, object]:
    """Return one point of the path, by sign and logarithm what has left float64."""
    point: dict[str, object] = {}
    for i, name in enumerate(walked.names):
        value, leap = float(walked.positions[step, i]), walked.exits[i]
        finite = abs(value) < float("inf")
        point[name] = value if finite else signed_log(float(leap.sign), float(leap.log_abs))
    return point


def _sentence(walked: "Descent", count: int, losses: list[object], catapults: int, end: str) -> str:
    steps = f"{count} {walked.question.rule.name} step" + ("s" if count > 1 else "")
    after = "beyond what can be computed" if losses[-1] is None else f"to {shown(losses[-1])}"
    change = f"the loss goes from {shown(losses[0])} {after}"
    thrown = "no catapult" if not catapults else f"{catapults} catapult{'s' if catapults > 1 else ''}"
    far = int(walked.thrown.sum())
    thrown += f", {far} step{'s' if far > 1 else ''} thrown far" if far else ""
    return f"{steps}, {thrown}: {change}; {end}."


def _shortened(content: dict[str, object]) -> dict[str, object]:
    """Return the content for a person: the path in at most a dozen rows, the sharpness at its start and end."""
    path, steepest = content["path"], content["sharpness"]
    assert isinstance(path, list)
    assert isinstance(steepest, list)
    stride = max(1, -(-len(path) // SHOWN_STEPS))
    chosen = sorted({*range(0, len(path), stride), len(path) - 1})
    rows = [{"step": step, **path[step]["point"], "loss": path[step]["loss"]} for step in chosen]
    short = {key: value for key, value in content.items() if value is not None and key != "definition"}
    return {**short, "path": rows, "sharpness": {"first": steepest[0], "last": steepest[-1]}}


COMMAND = Command(
    name="descend",
    summary="follow gradient, momentum or Newton steps on a loss surface, and report the catapults",
    options=(
        problems.STATE,
        problems.UNTIED,
        problems.SLICE,
        problems.LOSS,
        problems.EXTEND,
        problems.DEPTH,
        problems.START,
        problems.SET,
        AT,
        RULE,
        STEP_SIZE,
        CLIP,
        CLIP_BY,
        MOMENTUM,
        STEPS,
        GOAL,
    ),
    run=descend,
    operand=problems.EXPRESSION,
    example=(
        'symgrad descend "w*sigmoid(x) + b" --loss "(sigmoid(x)-0.7)**2" --start 0.5 --depth 50 '
        "--at w=5,b=-2.7 --step-size 0.01 --clip 1 --steps 100"
    ),
)
