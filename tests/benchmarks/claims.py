"""Confusion matrix of the corpus of claims, times, mutants, random texts. Run: python tests/benchmarks/claims.py"""

import argparse
import importlib.util
import random
import statistics
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

from symgrad.budget import close
from symgrad.claims import examine_document, open_document
from symgrad.claims.documents import examine_link

CLAIMS = Path(__file__).parents[1] / "claims"
SECONDS = 5.0
TEXTBOOK = 100
BATCH = 1000


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CLAIMS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, help="examine so many claims of each label only")
    parser.add_argument("--mutants", type=int, default=0, help="examine so many mutants of the true claims; -1 for all")
    parser.add_argument("--shard", default="1/1", help="i/n: of the mutants only the i-th, (i + n)-th, ...")
    parser.add_argument("--fuzz", type=int, default=0, help="try so many random texts, in batches of 1000")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first batch of random texts")
    parser.add_argument("--read-only", action="store_true", help="read the random texts, but examine nothing")
    parser.add_argument("--list", action="store_true", help="print the claims that are not decided rightly")
    chosen = parser.parse_args(argv)
    truth = module("test_corpus_truth")
    try:
        print_matrix(truth, chosen.limit, listed=chosen.list)
        print_file(truth, chosen.limit)
        if chosen.mutants:
            print_mutants(truth, None if chosen.mutants < 0 else chosen.mutants, chosen.shard)
        for batch in range(0, chosen.fuzz, BATCH):
            count = min(BATCH, chosen.fuzz - batch)
            print_fuzz(truth, chosen.first + batch, count, examine=not chosen.read_only)
    finally:
        close()


def print_matrix(truth: ModuleType, limit: int | None, *, listed: bool) -> None:
    corpus = module("test_corpus")
    outcomes = []
    for label in ("true", "false"):
        for one in corpus.examined(truth, label, seconds=SECONDS, limit=limit):
            outcomes.append(one)
            right = corpus.PROVEN if label == "true" else corpus.GRAVE["true"]
            if listed and one.verdict not in right:
                print(
                    f"  {label} ({one.entry.kind}): {one.entry.text}: {one.verdict.word}, {one.seconds:.2f} s",
                    flush=True,
                )
    for label, row in corpus.matrix(outcomes).items():
        print(f"{label:5}", "  ".join(f"{word} {count}" for word, count in row.items()))
    times = [one.seconds for one in outcomes]
    print(f"median {statistics.median(times):.3f} s per claim (goal 0.05 s), longest {max(times):.2f} s")


def print_file(truth: ModuleType, limit: int | None) -> None:
    """Print the time of one file: 100 claims of the corpus, evenly spread over its topics."""
    lines = (truth.CORPUS / "true.symgrad").read_text(encoding="utf-8").splitlines()
    lets = [line for line in lines if line.startswith("let ")]
    entries = truth.entries("true")
    drawn = entries[:: max(1, len(entries) // TEXTBOOK)][: limit or TEXTBOOK]
    document = open_document("\n".join([*lets, *(entry.text for entry in drawn)]))
    begin = time.perf_counter()
    found = list(examine_document(document, seconds=SECONDS))
    print(f"{len(found)} textbook claims in one file: {time.perf_counter() - begin:.1f} s (goal 15 s)", end=", ")
    busy = []
    for link in document.links:
        start = time.process_time()
        examine_link(link, 0)
        busy.append(time.process_time() - start)
    print(f"of which the processor worked {sum(busy):.1f} s, median {statistics.median(busy):.3f} s per claim")


def print_mutants(truth: ModuleType, count: int | None, shard: str) -> None:
    mutation = module("test_mutants")
    seen: Counter[tuple[str, str]] = Counter()
    begin = time.perf_counter()
    place, shards = (int(part) for part in shard.split("/"))
    for mutant in mutation.mutants(truth, count=count, part=slice(place - 1, None, shards)):
        try:
            found = mutation.verdict(mutant.link, seconds=SECONDS)
        except AssertionError as defect:
            print(f"  {defect}", flush=True)
            continue
        label = "held wherever mpmath looked" if mutant.wrong_at is None else "false"
        word = "refused" if found is None else "proved" if found in mutation.PROVEN else found.word
        seen[label, word] += 1
        if sum(seen.values()) % BATCH == 0:
            print(f"  {sum(seen.values())} mutants after {time.perf_counter() - begin:.0f} s", flush=True)
        if (label, word) in (("false", "proved"), ("held wherever mpmath looked", "refuted")):
            print(f"  {word} though {label}: {mutant.link.text} {mutant.wrong_at or ''}", flush=True)
    for (label, word), number in sorted(seen.items()):
        print(f"mutants {label}: {word} {number}")
    print(f"{sum(seen.values())} mutants in {time.perf_counter() - begin:.0f} s")


def print_fuzz(truth: ModuleType, seed: int, count: int, *, examine: bool) -> None:
    fuzz = module("test_fuzz")
    rng, lines = random.Random(seed), fuzz.seeds(truth)
    begin = time.perf_counter()
    trials = [fuzz.tried(fuzz.fuzzed(rng, lines), examine=examine) for _ in range(count)]
    for fault in (fault for trial in trials for fault in trial.faults):
        print(f"  {fault}", flush=True)
    words = f"{sum(t.links for t in trials)} links, {sum(t.problems for t in trials)} lines refused"
    longest = max(trial.seconds for trial in trials)
    print(f"{count} random texts from {seed}: {words}, {sum(len(t.faults) for t in trials)} faults,", end=" ")
    print(f"longest {longest:.1f} s, all {time.perf_counter() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
