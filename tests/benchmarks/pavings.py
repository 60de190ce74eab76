"""Certified paving (T = 50, at most 2 s) and supremum (T = 100, at most 2 s) of the reference box.

Run: python tests/benchmarks/pavings.py
"""

import argparse
import time

from sympy import Rational

from symgrad.certify import gradient_supremum, pave
from symgrad.derivation import gradient
from symgrad.maps import composition_from_text, sigmoid
from symgrad.symbols import n, w

HALF = Rational(1, 2)
LINE = {"b": HALF - w * sigmoid(HALF)}
BOX = {"w": (4, 8), "b": (-6, -1)}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--undecided", type=float, default=1e-3, help="the share of the area that may be undecided")
    parser.add_argument("--tolerance", type=float, default=0.01, help="the relative gap of the supremum")
    parser.add_argument("--depths", type=int, nargs=2, default=(50, 100), help="of the paving and of the supremum")
    given = parser.parse_args(argv)
    chain = composition_from_text("w*sigmoid(x) + b", depth=n)
    target = gradient(chain, "(sigmoid(x) - 0.7)**2", wrt=("w", "b"))
    shallow, deep = given.depths
    for name, line in (("in (w, b)", None), ("in (w, log|b - line|)", LINE)):
        begin = time.perf_counter()
        found = pave(
            target, BOX, start=HALF, depth=shallow, threshold=0.2, wrt="b", undecided=given.undecided, line=line
        )
        seconds = time.perf_counter() - begin
        cells = sum(map(len, (found.inside, found.outside, found.boundary)))
        print(f"paving {name}: {seconds:.2f} s, {found.undecided_share:.4%} undecided, {cells} cells")
    begin = time.perf_counter()
    bounds = gradient_supremum(target, BOX, start=HALF, depth=deep, wrt="b", line=LINE, tolerance=given.tolerance)
    seconds = time.perf_counter() - begin
    print(f"supremum: {seconds:.2f} s, log between {bounds.log_lower:.6f} and {bounds.log_upper:.6f}")


if __name__ == "__main__":
    main()
