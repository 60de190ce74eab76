"""One forward pass of a module with its graph of derivatives, and the module left as it was found."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from symgrad.errors import InputError
from symgrad.phenomena.probes.extra import one_line, require_torch


@dataclass(frozen=True, eq=False)
class Call:
    """A module that ran, with the nodes of its first input and of its first output, None where one has none.

    Parameters
    ----------
    name : its name in the whole module, "" for that itself
    module : the module
    before, after : nodes of the graph of derivatives
    given : the tensors given to a recurrent module, () for others
    """

    name: str
    module: Any
    before: Any
    after: Any
    given: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Trace:
    """A forward pass.

    Parameters
    ----------
    start : the tensor that derivatives are taken with respect to
    output : the first floating-point tensor of what came out
    calls : every module that ran, inner ones first
    tensors : node → a tensor that it made and that nobody changed afterwards
    notes : what is worth saying about this pass
    """

    start: Any
    output: Any
    calls: tuple[Call, ...] = field(repr=False)
    tensors: dict[Any, Any] = field(repr=False)
    notes: tuple[str, ...] = ()


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Put a module in evaluation mode, without warnings; afterwards restore modes, buffers, gradients, random state."""
    torch = require_torch()
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(module, name, b, b.detach().clone()) for module in model.modules() for name, b in _buffers(module)]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    devices = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(torch.random.fork_rng(devices=devices))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        # cuDNN's recurrent layers have no derivative in evaluation mode.
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        try:
            model.eval()
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            with torch.no_grad():
                for module, name, buffer, kept in buffers:
                    if not torch.equal(buffer, kept):
                        buffer.copy_(kept)
                    module._buffers[name] = buffer
            for parameter, gradient in gradients:
                parameter.grad = gradient


def _buffers(module: Any) -> list[tuple[str, Any]]:
    return [(name, buffer) for name, buffer in module._buffers.items() if buffer is not None]


def run(model: Any, batch: Any) -> Trace:
    """Run a module on a batch, every tensor between its parts kept.

    Parts see copies of these tensors, so that what works in place spoils none of them.
    """
    torch = require_torch()
    recorder = _Recorder({}, [], {}, [])
    start = batch
    if batch.is_floating_point():
        start = batch.detach().clone().requires_grad_(True).clone()
        recorder.start.append(start)
    handles = []
    try:
        for name, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(recorder.entered(name)))
            handles.append(module.register_forward_hook(recorder.left(name)))
        try:
            made = model(start.clone())
        except Exception as error:  # whatever the module's own code raises is its answer to this batch
            shape = tuple(batch.shape)
            raise InputError(
                f"the model refuses a batch of shape {shape}: {one_line(error)}; give one it runs on"
            ) from None
    finally:
        for handle in handles:
            handle.remove()
    output, notes = _first_tensor(torch, made)
    if not recorder.start:
        raise InputError("a batch of integers needs an nn.Embedding first; give a batch of floating-point numbers")
    if output.is_complex():
        raise InputError("the model returns complex numbers; probe measures real networks, give one of real numbers")
    if output.grad_fn is None:
        raise InputError("the model's output does not depend on the batch differentiably; nothing can be measured")
    kept = {node: tensor for node, tensor in recorder.tensors.items() if tensor.grad_fn is node}
    first = recorder.start[0]
    kept[first.grad_fn], kept[output.grad_fn] = first, output
    if not batch.is_floating_point():
        notes = (*notes, "integers go in: measured from the first embedding on")
    return Trace(first, output, tuple(recorder.calls), kept, notes)


def _first_tensor(torch: Any, made: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the first tensor of numbers in what a module returned, and a note where there was more."""
    if isinstance(made, torch.Tensor):
        return made, ()
    queue, found = [made], None
    while queue and found is None:
        part = queue.pop(0)
        if isinstance(part, torch.Tensor) and (part.is_floating_point() or part.is_complex()):
            found = part
        elif isinstance(part, dict):
            queue[:0] = list(part.values())
        elif isinstance(part, (tuple, list)):
            queue[:0] = list(part)
    if found is None:
        raise InputError(f"the model returns no tensor but a {type(made).__name__}; give one that returns a tensor")
    return found, (f"the model returns a {type(made).__name__}: its first tensor is measured",)


@dataclass(frozen=True, eq=False)
class _Recorder:
    """What hooks write down: tensors by node, calls, the nodes that calls began with, and where derivatives start."""

    tensors: dict[Any, Any]
    calls: list[Call]
    begun: dict[int, list[Any]]
    start: list[Any]

    def entered(self, name: str) -> Any:
        """Return the hook that runs before a module: note what goes in, hand on copies."""

        def hook(module: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
            node, handed = None, []
            for value in given:
                own = self._kept(value)
                node = own if node is None else node
                handed.append(value if own is None else value.clone())
            self.begun.setdefault(id(module), []).append((node, given))
            return tuple(handed)

        return hook

    def left(self, name: str) -> Any:
        """Return the hook that runs after a module: note what comes out, hand on a copy."""
        torch = require_torch()

        def hook(module: Any, _: tuple[Any, ...], made: Any) -> Any:
            before, given = self.begun[id(module)].pop()
            recurrent = isinstance(module, torch.nn.RNNBase)
            rest: tuple[Any, ...] | None = None
            if type(made) is tuple and made:
                made, rest = made[0], made[1:]
            if isinstance(module, torch.nn.Embedding) and not self.start and isinstance(made, torch.Tensor):
                made = made.detach().clone().requires_grad_(True).clone()
                self.start.append(made)
            node = self._kept(made)
            kept = tuple(v.detach().clone() for v in given if isinstance(v, torch.Tensor)) if recurrent else ()
            self.calls.append(Call(name, module, before, node, kept))
            handed = made if node is None else made.clone()
            return handed if rest is None else (handed, *rest)

        return hook

    def _kept(self, value: Any) -> Any:
        """Keep a tensor that derivatives reach and return its node, None for anything else."""
        node = getattr(value, "grad_fn", None)
        if node is not None and value.is_floating_point():
            self.tensors.setdefault(node, value)
            return node
        return None
