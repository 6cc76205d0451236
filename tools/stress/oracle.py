"""Judge what a scan left behind: plain Python over what the estate was built to hold, read with Iceberg's own reader.

Nothing here is shared with the way the rows came: not the checks, not the seal, not Polars.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from catalog.warehouse import Warehouse
from checkers.base import Check
from contracts.tables import COVERAGE, FINDINGS, Table
from contracts.units import Unit
from tools.stress.estate import (
    ADDRESSES_PER_UNIT,
    INSTANCES_PER_UNIT,
    REGIONS,
    SNAPSHOTS_PER_UNIT,
    VOLUMES_PER_UNIT,
    StressEstate,
)

Claim = tuple[str, str]
_WORTH_NAMING = 5


def stored(warehouse: Warehouse, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of all rows of a table, of every tenant, as they are in the files."""
    rows = warehouse.load(table).scan(selected_fields=columns).to_arrow()
    return list(zip(*(rows[column].to_pylist() for column in columns), strict=True))


def expected_claims(unit: Unit, size: int = 1) -> Iterator[Claim]:
    """Yield (check, resource) of everything there is to find in a unit of a size."""
    serial = int(unit.account_id) * len(REGIONS) + REGIONS.index(unit.region)

    def resource(prefix: str, number: int) -> str:
        return f"{prefix}-{serial:012x}{number:05d}"

    for n in range(VOLUMES_PER_UNIT * size):
        if n % 4 == 0:
            yield "aws.ebs.gp2_volume", resource("vol", n)
        if n % 4 in {2, 3}:
            yield "aws.ebs.unattached_volume", resource("vol", n)
    for n in range(1, ADDRESSES_PER_UNIT * size, 2):
        yield "aws.ec2.unassociated_address", resource("eipalloc", n)
    for n in range(SNAPSHOTS_PER_UNIT * size):
        yield "aws.ebs.old_snapshot", resource("snap", n)
        if n % 2:
            yield "aws.ebs.orphaned_snapshot", resource("snap", n)
    for n in range(0, INSTANCES_PER_UNIT * size, 3):
        yield "aws.ec2.stopped_instance", resource("i", n)


def complaints(
    warehouse: Warehouse, estate: StressEstate, checks: Sequence[Check], *, failed: Collection[Claim] = ()
) -> list[str]:
    """Say everything that is not as it must be: rows that are lost, foreign or there twice; empty when all is well.

    `failed`: (unit, check) that cannot be judged; they found nothing and coverage says so.
    """
    units = {each.unit.unit_id: each.unit for each in estate.units()}
    claims = Counter(
        (unit_id, *claim)
        for unit_id, unit in units.items()
        for claim in expected_claims(unit)
        if (unit_id, claim[0]) not in failed
    )
    found = stored(warehouse, FINDINGS, "unit_id", "check_id", "resource_id", "fingerprint")
    wanted = Counter(
        (unit_id, subject, name, "failed" if subject == "check" and (unit_id, name) in failed else "ok")
        for unit_id in units
        for subject, name in _subjects(checks)
    )
    covered = stored(warehouse, COVERAGE, "unit_id", "subject", "name", "outcome")
    return [
        *_differences("findings", claims, Counter(row[:3] for row in found)),
        *_differences("fingerprints", Counter({row[3]: 1 for row in found}), Counter(row[3] for row in found)),
        *_differences("coverage", wanted, Counter(covered)),
    ]


def _subjects(checks: Sequence[Check]) -> set[Claim]:
    judged = [check for check in checks if check.reads[0].provider == "aws"]
    return {("check", check.id) for check in judged} | {
        ("dataset", dataset.name) for check in judged for dataset in check.reads
    }


def _differences(what: str, expected: Counter[Any], actual: Counter[Any]) -> Iterator[str]:
    for word, rows in {"lost": expected - actual, "too many": actual - expected}.items():
        if rows:
            yield f"{what}: {rows.total()} {word}, e.g. {sorted(map(str, rows))[:_WORTH_NAMING]}"
