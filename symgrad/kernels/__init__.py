"""From algebra to floating point: kernels that fold one compiled step over any depth."""

from symgrad.kernels.kernel import Kernel
from symgrad.kernels.newton_steps import NewtonStep, StepStatus, composition_newton_step, loss_newton_step
from symgrad.kernels.outcome import Outcome, Status
from symgrad.kernels.signed_log import SignedLog
from symgrad.kernels.stepping import Change, Path, StepRule, UpdateKernel, change_of, clip, moved, newton_change
from symgrad.kernels.targets import to_kernel

__all__ = [
    "Change",
    "Kernel",
    "NewtonStep",
    "Outcome",
    "Path",
    "SignedLog",
    "Status",
    "StepRule",
    "StepStatus",
    "UpdateKernel",
    "change_of",
    "clip",
    "composition_newton_step",
    "loss_newton_step",
    "moved",
    "newton_change",
    "to_kernel",
]
