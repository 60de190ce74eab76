"""``symgrad doctor``: what is installed, and whether it works."""

import argparse
import time
from collections.abc import Callable

from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command
from symgrad.errors import InputError

REQUIRED = ("sympy", "mpmath", "numpy", "scipy", "matplotlib", "contourpy", "python-flint", "tqdm")
EXTRAS = {
    "llvmlite": "vector code for kernels, several times faster than NumPy alone; pip install 'symgrad[fast]'",
    "torch": "probe: what a PyTorch network does to gradients, block by block; pip install 'symgrad[torch]'",
    "jax": "a contestant in tests/benchmarks/surfaces.py; nothing else uses it; pip install jax",
}


def doctor(arguments: argparse.Namespace) -> Answer:
    """Answer with the versions, the extras found and the outcome of the self-test."""
    import platform

    from symgrad import __version__
    from symgrad.kernels.cache import cache_folder

    begin = time.perf_counter()
    checks = [_run_check(name, check) for name, check in SELF_TEST]
    failed = [str(row["check"]) for row in checks if row["outcome"] != "right"]
    missing = [name for name in REQUIRED if _version(name) is None]
    faults = [f"{name} is not installed" for name in missing] + [f"this went wrong: {name}" for name in failed]
    content = {
        "status": f"{'; '.join(faults)}." if faults else "Everything works.",
        "symgrad": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "versions": {name: _version(name) for name in REQUIRED},
        "extras": {name: _version(name) for name in EXTRAS},
        "missing_extras": {name: brings for name, brings in EXTRAS.items() if _version(name) is None},
        "cache": "switched off by SYMGRAD_CACHE" if (folder := cache_folder()) is None else str(folder),
        "seconds": round(time.perf_counter() - begin, 2),
        "self_test": checks,
    }
    return Answer(content, code=70 if faults else 0)


def _version(name: str) -> str | None:
    """Return the installed version of a distribution, None if there is none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _run_check(name: str, check: Callable[[], bool]) -> dict[str, object]:
    begin = time.perf_counter()
    try:
        outcome = "right" if check() else "wrong"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    return {"check": name, "outcome": outcome, "seconds": round(time.perf_counter() - begin, 2)}


def _refuses_code() -> bool:
    from symgrad.parsing import parse

    try:
        parse("__import__('os').system('x')")
    except InputError:
        return True
    return False


def _proves_an_identity() -> bool:
    from symgrad.derivation import is_zero
    from symgrad.maps import expression

    return is_zero(expression("cosh(x)**2 - sinh(x)**2 - 1")) is True


def _derives_a_factor() -> bool:
    from symgrad.derivation import is_zero
    from symgrad.maps import differentiate, expression
    from symgrad.symbols import real

    difference = differentiate(expression("tanh(w*x + b)"), real("x")) - expression("w*(1 - tanh(w*x + b)**2)")
    return is_zero(difference) is True


def _compiles_a_chain() -> bool:
    from symgrad.kernels import to_kernel
    from symgrad.maps import Map

    outcome = to_kernel(Map.from_text("w*sigmoid(x) + b") ** 50)(0.5, {"w": 5.0, "b": -2.5})
    return abs(float(outcome.product.log_abs) - LOG_PRODUCT) < 1e-12 * abs(LOG_PRODUCT)


# Sum of log|5 s(x)(1 - s(x))| along x <- 5 s(x) - 5/2 from 1/2, 50 steps, in 60-digit arithmetic.
LOG_PRODUCT = -19.910030910006257

SELF_TEST: tuple[tuple[str, Callable[[], bool]], ...] = (
    ("code in an expression is refused", _refuses_code),
    ("cosh(x)**2 - sinh(x)**2 = 1 is proved", _proves_an_identity),
    ("the factor of tanh(w*x + b) is derived", _derives_a_factor),
    ("a product over 50 layers is right to 12 digits", _compiles_a_chain),
)

COMMAND = Command(
    name="doctor",
    summary="print versions and extras found, and run a short self-test",
    options=(),
    run=doctor,
)
