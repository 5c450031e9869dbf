"""Prints how all cases came out, and a table of what is refused, for the docs.

`python -m tests.fidelity [PART OF A NAME]...`
"""

import sys
from collections import Counter
from time import perf_counter

from rich.console import Console

from tests.fidelity.cases import CASES
from tests.fidelity.proving import Proof, Proving

HEAD = "| library | case | name | reason |\n| --- | --- | --- | --- |"


def main(words: list[str]) -> int:
    asked = [case for case in CASES if not words or any(f" {w}" in _text(case) for w in words)]
    began, proving = perf_counter(), Proving(asked)
    try:
        proofs = [proving.proofs[case.name].result() for case in asked]
    finally:
        proving.close()
    out = Console(soft_wrap=True, markup=False, highlight=False).print
    for proof in proofs:
        if proof.outcome == "failed":
            out(f"FAILED {proof.case.library}: {proof.case.name}\n{proof.said}\n")
    out(table(proofs))
    out("")
    for outcome, number in sorted(Counter(proof.outcome for proof in proofs).items()):
        out(f"{outcome}: {number}")
    out(f"{len(proofs)} cases in {perf_counter() - began:.0f} s")
    return any(proof.outcome == "failed" for proof in proofs)


def _text(case):
    return f" {case.library} {case.name}"


def table(proofs: list[Proof]) -> str:
    rows = [
        f"| {proof.case.library} | {proof.case.name} | {path} | {reason} |"
        for proof in proofs
        for _, path, reason in proof.reasons
    ]
    return "\n".join([HEAD, *rows])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
