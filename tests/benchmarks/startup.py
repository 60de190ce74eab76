"""How long the command line takes to answer, start-up included. Run: python tests/benchmarks/startup.py"""

import argparse
import subprocess
import sys
import time

CASES = {
    "--help (at most 0.15 s)": ["--help"],
    "a refusal of bad text": ["derive", "tanh(w*x"],
    "derive a residual layer at any depth (under 2 s)": ["derive", "x + tanh(w*x+b)", "--depth", "n", "--wrt", "w,b"],
}


def wall_time(tokens: list[str], repeats: int) -> float:
    """Return the shortest wall time in seconds of so many fresh processes."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "symgrad", *tokens], capture_output=True, check=False)
        times.append(time.perf_counter() - begin)
    return min(times)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args(argv).repeats
    for name, tokens in CASES.items():
        print(f"{wall_time(tokens, repeats):7.3f} s  {name}")


if __name__ == "__main__":
    main()
