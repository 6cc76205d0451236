"""Sealing a batch of drafts, against writing the sealed rows as one file."""

from datetime import UTC, datetime
from pathlib import Path

from contracts.seal import RunStamp, seal
from tools.stress.benchmarks.floor import Figure, compare, timed, write_one_file
from tools.stress.drafts import drafts

STAMP = RunStamp("20261101T000000Z-1", datetime(2026, 11, 1, tzinfo=UTC))
TARGET = 1.5


def contract(n: int, repeat: int) -> list[Figure]:
    """Measure `seal` over one batch of `n` drafts; every draft must end as a finding of its own."""
    batch = drafts(n)
    findings = seal(batch, STAMP).findings

    def subject(folder: Path) -> float:
        del folder
        return timed(lambda: seal(batch, STAMP))

    def floor(folder: Path) -> float:
        return write_one_file(findings, folder)

    def agrees() -> bool:
        return findings.height == findings["fingerprint"].n_unique() == n

    return [compare("contract", n, subject, floor, target=TARGET, repeat=repeat, agrees=agrees)]
