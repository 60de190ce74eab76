"""Several steps as one program: the new state, the product of the factors, and the affine map of the sensitivities.

A block takes the sensitivity s to P·s + Q, where P is the product of its factors and Q what its own steps add, so
that whatever a long chain does to s and to the product is done once per block, in arithmetic that does not overflow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from symgrad.kernels.program import Builder, Input, Program


@dataclass(frozen=True)
class BlockProgram:
    """A block of scalar steps: ``program.values`` the state, ``jacobian`` P (or every factor), ``local`` Q.

    Parameters
    ----------
    program : inputs are the state, the parameters by name, then (name, application) of every value per layer
    applications : how often the body is applied
    layered : (name, application counted from 0) of the inputs after the parameters, in their order
    """

    program: Program
    applications: int
    layered: tuple[tuple[str, int], ...]


def inline(builder: Builder, program: Program, inputs: Sequence[int]) -> list[int]:
    """Write a program into a builder, its inputs being the slots given; return values, jacobian and local."""
    place = [*inputs, *(builder.constant(number) for number in program.constants)]
    for one in program.instructions:
        place.append(builder.copy(one.op, *(place[a] for a in one.arguments)))
    return [place[slot] for slot in program.outputs]


def _inputs(body: Sequence[Program], applications: int) -> tuple[list[Input], tuple[tuple[str, int], ...]]:
    given = [one for program in body for one in program.inputs]
    shared = dict.fromkeys(one.name for one in given if one.kind == "parameter")
    names = dict.fromkeys(one.name for one in given if one.kind == "layer")
    layered = tuple((name, k) for k in range(applications) for name in names)
    inputs = [Input("state", "x"), *(Input("parameter", name) for name in shared)]
    return [*inputs, *(Input("layer", f"{name}[{k}]") for name, k in layered)], layered


def block_program(
    body: Sequence[Program], applications: int, wrt: Sequence[str], *, each_factor: bool = False
) -> BlockProgram:
    """Return the program of a body of scalar steps applied several times.

    Parameters
    ----------
    wrt : the names whose Q is wanted, among those of the steps
    each_factor : return the factors one by one after their product, which may underflow

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.kernels.program import program_of
    >>> from symgrad.kernels.steps import derive_steps
    >>> from symgrad.maps import Map
    >>> (step,) = derive_steps(gradient(Map("x + w", "x"), wrt="w")).layers.values()
    >>> program = block_program([program_of(step)], 3, ["w"]).program
    >>> [program.constant(slot) for slot in program.jacobian + program.local]
    [1.0, 3.0]
    """
    inputs, layered = _inputs(body, applications)
    builder = Builder(inputs)
    slot_of = {(one.kind, one.name): i for i, one in enumerate(inputs)}
    state, factors, product = 0, [], builder.constant(1.0)
    own = dict.fromkeys(wrt, builder.constant(0.0))
    for k in range(applications):
        for program in body:
            named = [
                state
                if one.kind == "state"
                else slot_of[one.kind, f"{one.name}[{k}]" if one.kind == "layer" else one.name]
                for one in program.inputs
            ]
            state, factor, *local = inline(builder, program, named)
            factors.append(factor)
            product = builder.put("mul", factor, product)
            for name in wrt:
                added = local[program.wrt.index(name)]
                own[name] = builder.put("add", builder.put("mul", factor, own[name]), added)
    outer = [product, *factors] if each_factor else [product]
    return BlockProgram(builder.program([state], outer, list(own.values()), wrt=wrt), applications, layered)


def noise_program(body: Sequence[Program], applications: int) -> BlockProgram:
    """Return the program of state, product, and the rounding noise of a block in units of one rounding, as Q.

    Each step rounds its state once and passes on what came before times its factor.
    """
    inputs, layered = _inputs(body, applications)
    builder = Builder(inputs)
    place = {one.name: i for i, one in enumerate(inputs)}
    state, product, noise = 0, builder.constant(1.0), builder.constant(0.0)
    for _ in range(applications):
        for program in body:
            named = [state if one.kind == "state" else place[one.name] for one in program.inputs]
            state, factor, *_rest = inline(builder, program, named)
            product = builder.put("mul", product, factor)
            passed = builder.put("mul", builder.put("abs", factor), noise)
            noise = builder.put("add", passed, builder.put("abs", state))
    return BlockProgram(builder.program([state], [product], [noise]), applications, layered)
