"""``symgrad list``: every analysis, its question and its finding."""

import argparse

from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command


def list_analyses(arguments: argparse.Namespace) -> Answer:
    """Answer with the analyses that ``symgrad report`` runs, read without running them."""
    from symgrad.catalogue import entries

    found = entries()
    rows = [
        {
            "name": entry.name,
            "question": entry.question or None,
            "finding": entry.finding or None,
            "reference": entry.reference or None,
            "problem": entry.problem or None,
        }
        for entry in found
    ]
    count = f"{len(found)} analys{'is' if len(found) == 1 else 'es'}"
    status = f"{count}; symgrad report NAME writes one, symgrad report all of them."
    paragraphs = [_paragraph(row) for row in rows]
    return Answer({"status": status, "analyses": rows}, text="\n\n".join([status, *paragraphs]))


def _paragraph(row: dict[str, str | None]) -> str:
    if row["problem"]:
        return f"{row['name']}\n  cannot be used: {row['problem']}"
    finding = " ".join(str(row["finding"]).split())
    return f"{row['name']}\n  {row['question']}\n  → {finding}"


COMMAND = Command(
    name="list",
    summary="list the analyses: question and finding",
    options=(),
    run=list_analyses,
)
