"""Several steps as one program: the new state, the product of the factors, and the affine map of the sensitivities.

A block takes the sensitivity s to P·s + Q, where P is the product of its factors and Q what its own steps add, so
that whatever a long chain does to s and to the product is done once per block, in arithmetic that does not overflow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from symgrad.kernels.program import Builder, Input, Program
from symgrad.kernels.program.bundles import HIGHEST


@dataclass(frozen=True)
class BlockProgram:
    """A block of scalar steps: ``program.values`` the state, ``jacobian`` P (and every factor), ``local`` Q and more.

    Parameters
    ----------
    program : inputs are the state, the parameters by name, then (name, application) of every value per layer
    applications : how often the body is applied
    layered : (name, application counted from 0) of the inputs after the parameters, in their order
    names : how many slopes are carried
    """

    program: Program
    applications: int
    layered: tuple[tuple[str, int], ...]
    names: int = 0

    @property
    def own(self) -> tuple[int, ...]:
        """The slots of Q."""
        return self.program.local[: self.names]

    @property
    def last(self) -> tuple[int, ...]:
        """The last step alone, of a body of one layer: the slots of the state before it, its factor, and its Q."""
        return self.program.local[self.names :]


def inline(builder: Builder, program: Program, inputs: Sequence[int], guarded: bool = True) -> list[int]:
    """Write a program into a builder, its inputs being the slots given; return values, jacobian and local.

    Unguarded, arguments of exponentials are not cut off at ``HIGHEST``: beyond it factors come out as nan or 0.
    """
    place = [*inputs, *(builder.constant(number) for number in program.constants)]
    guards = {} if guarded else _guards(program)
    for slot, one in enumerate(program.instructions, start=program.first_instruction):
        if slot in guards:
            place.append(place[guards[slot]])
        else:
            place.append(builder.copy(one.op, *(place[a] for a in one.arguments)))
    return [place[slot] for slot in program.outputs]


def _guards(program: Program) -> dict[int, int]:
    """Return the slots that only cut arguments of exponentials off at ``HIGHEST``, and what they cut off."""
    found, others = {}, set(program.outputs)
    for slot, one in enumerate(program.instructions, start=program.first_instruction):
        if one.op == "min" and program.constant(one.arguments[1]) == HIGHEST:
            found[slot] = one.arguments[0]
        if one.op != "exp":
            others.update(one.arguments)
    return {slot: inner for slot, inner in found.items() if slot not in others}


def _inputs(body: Sequence[Program], applications: int) -> tuple[list[Input], tuple[tuple[str, int], ...]]:
    given = [one for program in body for one in program.inputs]
    shared = dict.fromkeys(one.name for one in given if one.kind == "parameter")
    names = dict.fromkeys(one.name for one in given if one.kind == "layer")
    layered = tuple((name, k) for k in range(applications) for name in names)
    inputs = [Input("state", "x"), *(Input("parameter", name) for name in shared)]
    return [*inputs, *(Input("layer", f"{name}[{k}]") for name, k in layered)], layered


def block_program(
    body: Sequence[Program], applications: int, wrt: Sequence[str], *, careful: bool = False
) -> BlockProgram:
    """Return the program of a body of scalar steps applied several times.

    Parameters
    ----------
    wrt : the names whose Q is wanted, among those of the steps
    careful : keep exponentials within float64, and return the factors one by one after their product

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.kernels.program import program_of
    >>> from symgrad.kernels.steps import derive_steps
    >>> from symgrad.maps import Map
    >>> (step,) = derive_steps(gradient(Map("x + w", "x"), wrt="w")).layers.values()
    >>> block = block_program([program_of(step)], 3, ["w"])
    >>> [block.program.constant(slot) for slot in block.program.jacobian + block.own]
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
            before = state
            state, factor, *local = inline(builder, program, named, guarded=careful)
            factors.append(factor)
            product = _times(builder, factor, product)
            for name in wrt:
                added = local[program.wrt.index(name)]
                own[name] = builder.put("add", _times(builder, factor, own[name]), added)
    outer = [product, *factors] if careful else [product]
    last = [before, factor, *(local[program.wrt.index(name)] for name in wrt)] if len(body) == 1 else []
    written = builder.program([state], outer, [*own.values(), *last], wrt=wrt)
    return BlockProgram(written, applications, layered, len(own))


def _times(builder: Builder, a: int, b: int) -> int:
    """Write a product as it stands, but for constants: powers of parameters are not gathered in it."""
    known = any(slot in builder.numbers for slot in (a, b))
    return builder.put("mul", a, b) if known else builder.copy("mul", a, b)


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
            product = _times(builder, product, factor)
            passed = _times(builder, builder.put("abs", factor), noise)
            noise = builder.put("add", passed, builder.put("abs", state))
    return BlockProgram(builder.program([state], [product], [noise]), applications, layered)
