"""How long the command line takes to answer, start-up included. Run: python tests/benchmarks/startup.py

Fresh processes of all cases take turns, so that a busy machine slows all alike; the shortest of each is printed, as
wall time and as processor time (which other processes hardly change), beside the goal for an idle machine's wall time.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

POINT = ["--start", "0.3", "--set", "w=0.9", "--set", "b=0.1", "--depth", "1000000000", "--wrt", "w,b", "--json"]
EVALUATE = ["evaluate", "tanh(w*x+b)", "--state", "x", *POINT]
SYMGRAD = ["-m", "symgrad"]


@dataclass(frozen=True)
class Case:
    """What is started, what the wall time is to be in seconds, and whether the cache of kernels is on."""

    name: str
    tokens: list[str]
    goal: float | None = None
    cache: bool = False


CASES = [
    Case("python, doing nothing", ["-c", "pass"]),
    Case("python, importing NumPy", ["-c", "import numpy"]),
    Case("python, importing SymPy", ["-c", "import sympy"]),
    Case("symgrad --help", [*SYMGRAD, "--help"], 0.06),
    Case("a refusal of bad text", [*SYMGRAD, "derive", "tanh(w*x"]),
    Case("evaluate at depth 10^9, cached", [*SYMGRAD, *EVALUATE], 0.25, True),
    Case("evaluate at depth 10^9, uncached", [*SYMGRAD, *EVALUATE], 1.5),
    Case("derive a residual layer", [*SYMGRAD, "derive", "x + tanh(w*x+b)", "--depth", "n", "--wrt", "w,b"], 2.0),
]


def seconds(tokens: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return wall and processor time of one fresh process."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *tokens], capture_output=True, check=False, env=environment)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def environment_of(folder: str) -> dict[str, str]:
    """Return the environment in which modules are compiled once and the cache lies in its own folder."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "SYMGRAD_CACHE": folder}


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args(argv).repeats
    times: dict[str, list[tuple[float, float]]] = {case.name: [] for case in CASES}
    with tempfile.TemporaryDirectory() as folder:
        environments = {case.name: environment_of(folder if case.cache else "off") for case in CASES}
        for case in CASES:
            if case.cache:
                seconds(case.tokens, environments[case.name])
        for _ in range(repeats):
            for case in CASES:
                times[case.name].append(seconds(case.tokens, environments[case.name]))
    print(f"{'':34} {'wall':>9} {'processor':>11} {'goal':>9}")
    for case in CASES:
        wall, processor = (min(column) for column in zip(*times[case.name], strict=True))
        goal = f"{case.goal:7.3f} s" if case.goal else ""
        print(f"{case.name:34} {wall:7.3f} s {processor:9.3f} s {goal}".rstrip())


if __name__ == "__main__":
    main()
