"""The optional extra that probes need: PyTorch, imported where it is used and nowhere else."""

from importlib import import_module
from typing import Any

from symgrad.errors import InputError

MISSING = "probe needs PyTorch, which is not installed here; pip install 'symgrad[torch]'"


def require_torch() -> Any:
    """Return the module ``torch``, or say how to get it.

    Raises
    ------
    InputError : PyTorch is not installed, or does not load
    """
    try:
        return import_module("torch")
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise InputError(MISSING) from None
        raise InputError(f"probe needs PyTorch, which does not load here: {one_line(error)}") from None
    except (ImportError, OSError) as error:
        raise InputError(f"probe needs PyTorch, which does not load here: {one_line(error)}") from None


def one_line(error: BaseException) -> str:
    """Return the first line of what an error says, its kind where it says nothing.

    >>> one_line(ValueError("shapes differ\\nsee above"))
    'shapes differ'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
