"""From algebra to floating point: kernels that fold one compiled step over any depth.

Each name is imported on first use, so that what computes with finished programs loads no algebra.
"""

from importlib import import_module
from typing import TYPE_CHECKING

MODULE_OF = {
    name: module
    for module, names in {
        "kernel": "Kernel",
        "newton_steps": "NewtonStep StepStatus composition_newton_step loss_newton_step",
        "outcome": "Outcome Status",
        "signed_log": "SignedLog",
        "stepping": "Change Path StepRule UpdateKernel change_of clip moved newton_change",
        "targets": "to_kernel",
    }.items()
    for name in names.split()
}

if TYPE_CHECKING:
    from symgrad.kernels.kernel import Kernel as Kernel
    from symgrad.kernels.newton_steps import NewtonStep as NewtonStep
    from symgrad.kernels.newton_steps import StepStatus as StepStatus
    from symgrad.kernels.newton_steps import composition_newton_step as composition_newton_step
    from symgrad.kernels.newton_steps import loss_newton_step as loss_newton_step
    from symgrad.kernels.outcome import Outcome as Outcome
    from symgrad.kernels.outcome import Status as Status
    from symgrad.kernels.signed_log import SignedLog as SignedLog
    from symgrad.kernels.stepping import Change as Change
    from symgrad.kernels.stepping import Path as Path
    from symgrad.kernels.stepping import StepRule as StepRule
    from symgrad.kernels.stepping import UpdateKernel as UpdateKernel
    from symgrad.kernels.stepping import change_of as change_of
    from symgrad.kernels.stepping import clip as clip
    from symgrad.kernels.stepping import moved as moved
    from symgrad.kernels.stepping import newton_change as newton_change
    from symgrad.kernels.targets import to_kernel as to_kernel

__all__ = [*MODULE_OF]


def __getattr__(name: str) -> object:
    """Import a name from its module on first use."""
    if name not in MODULE_OF:
        raise AttributeError(f"symgrad.kernels has no {name!r}")
    value = getattr(import_module(f"symgrad.kernels.{MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
