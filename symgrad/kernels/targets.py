"""What can be compiled: maps, compositions, chain products, gradients, Newton steps and update rules."""

from typing import TYPE_CHECKING, overload

from symgrad.derivation import Gradient
from symgrad.errors import InputError
from symgrad.kernels.backends import resolve_backend
from symgrad.kernels.kernel import Kernel
from symgrad.maps import Composition, Map, as_composition

if TYPE_CHECKING:
    from symgrad.derivation import ChainProduct, CompositionNewton, UpdateMap
    from symgrad.kernels.stepping import UpdateKernel


@overload
def to_kernel(target: "UpdateMap", *, backend: str = ..., digits: int | None = ...) -> "UpdateKernel": ...


@overload
def to_kernel(
    target: "Map | Composition | ChainProduct | Gradient | CompositionNewton",
    *,
    backend: str = ...,
    digits: int | None = ...,
) -> Kernel: ...


def to_kernel(
    target: "Map | Composition | ChainProduct | Gradient | CompositionNewton | UpdateMap",
    *,
    backend: str = "auto",
    digits: int | None = None,
) -> "Kernel | UpdateKernel":
    """Compile one step of the target.

    Parameters
    ----------
    target : a map or composition (state and product), or a gradient (loss and derivatives as well); Newton's step of
        a composition compiles to the state with its first and second derivative in the start; an update rule to a
        kernel that follows it
    backend : "auto", "lambdify" or "mpmath"
    digits : decimal digits for the mpmath backend (default 30)
    """
    resolved = resolve_backend(backend, digits)
    kernel = _compiled(target, resolved, digits)
    domain = (kernel if isinstance(kernel, Kernel) else kernel.kernel).composition.domain
    if domain != "real":
        raise InputError(
            f"kernels compute with real numbers, got a {domain} map; write it as a real map of two components"
        )
    return kernel


def _compiled(
    target: "Map | Composition | ChainProduct | Gradient | CompositionNewton | UpdateMap",
    resolved: str,
    digits: int | None,
) -> "Kernel | UpdateKernel":
    if resolved == "mpmath" and digits is None:
        digits = 30
    if isinstance(target, Gradient):
        return Kernel(target, resolved, digits)
    if isinstance(target, Map | Composition):
        return Kernel(Gradient(as_composition(target), None, ()), resolved, digits)
    from symgrad.derivation import ChainProduct, CompositionNewton, UpdateMap, gradient
    from symgrad.kernels.stepping import UpdateKernel

    if isinstance(target, UpdateMap):
        return UpdateKernel(target, Kernel(target.gradient, resolved, digits))
    if isinstance(target, CompositionNewton):
        state = target.composition.state[0].name
        return Kernel(gradient(target.composition, wrt=(state,), second_order=True), resolved, digits)
    if isinstance(target, ChainProduct):
        return Kernel(Gradient(target.composition, None, ()), resolved, digits)
    raise InputError(f"to_kernel takes a map, composition or gradient, got {type(target).__name__}; build one first")
