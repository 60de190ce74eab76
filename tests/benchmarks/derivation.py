"""How long derivation plus compilation takes, by depth (at most 0.2 s). Run: python tests/benchmarks/derivation.py"""

import argparse
import time

import numpy as np
import scipy.special
import sympy
from sympy.core.cache import clear_cache

from symgrad.derivation import gradient
from symgrad.kernels import to_kernel
from symgrad.maps import composition_from_text
from symgrad.symbols import n

LAYERS = {"tanh": "tanh(w*x + b)", "residual": "x + tanh(w*x + b)", "gated": "x*sigmoid(w*x + b) + tanh(v*x)*(1 - x)"}
DEPTHS = (10, 1000, 10**6, n)


def seconds(text: str, depth: object) -> float:
    """Return the time to derive and compile one layer with its loss and two gradients, from a cold SymPy cache."""
    clear_cache()
    begin = time.perf_counter()
    chain = composition_from_text(text, depth=depth)
    kernel = to_kernel(gradient(chain, "(x - 1)**2", wrt=("w", "b")))
    compiled = kernel.compiled, kernel.compiled_loss
    assert all(compiled)
    return time.perf_counter() - begin


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depths", type=int, default=len(DEPTHS), help="how many of the depths to try")
    count = parser.parse_args(argv).depths
    print(f"sympy {sympy.__version__}, numpy {np.__version__}, scipy {scipy.__version__}")
    for name, text in LAYERS.items():
        times = [f"depth {depth}: {seconds(text, depth):.3f} s" for depth in DEPTHS[:count]]
        print(f"{name:9}", "  ".join(times))


if __name__ == "__main__":
    main()
