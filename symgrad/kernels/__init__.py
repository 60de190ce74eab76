"""From algebra to floating point: kernels that fold one compiled step over any depth."""

from symgrad.kernels.kernel import Kernel
from symgrad.kernels.outcome import Outcome, Status
from symgrad.kernels.signed_log import SignedLog
from symgrad.kernels.stepping import Path, UpdateKernel, newton_change
from symgrad.kernels.targets import to_kernel

__all__ = ["Kernel", "Outcome", "Path", "SignedLog", "Status", "UpdateKernel", "newton_change", "to_kernel"]
