"""Drafts that no check should make, through writer and commit: rejected with a reason, and nothing else harmed."""

from collections import Counter
from pathlib import Path

import pytest

from checkers.registry import configured
from contracts.seal import UNATTRIBUTED
from contracts.tables import REJECTED
from tools.stress.estate import TENANT, VOLUMES_PER_UNIT, StressEstate
from tools.stress.oracle import complaints, stored
from tools.stress.poison import poison
from tools.stress.scan import AS_OF, open_warehouse, scan_estate

RUN = "20261101T000000Z-1"
HEALTHY = configured({}, "defaults")
ESTATE = StressEstate(1_100, AS_OF)
UNITS = [each.unit.unit_id for each in ESTATE.units()]


@pytest.mark.parametrize(
    ("kind", "reason", "tenant_id"),
    [
        ("escapes", "tenant_id: must be 2 to 63 of a-z, 0-9 and hyphen", UNATTRIBUTED),
        ("bloats", "resource_name: is longer than 2048 bytes", TENANT),
        ("tags", "tags: more than 500", TENANT),
    ],
)
def test_hostile_drafts_are_rejected_rows_and_nothing_else(
    tmp_path: Path, kind: str, reason: str, tenant_id: str
) -> None:
    folder = tmp_path / "deep" / "in" / "here"
    warehouse, hostile = open_warehouse(folder), poison(kind, UNITS[0])
    scan_estate(warehouse, ESTATE, RUN, checks=(*HEALTHY, hostile))
    rejected = stored(warehouse, REJECTED, "tenant_id", "unit_id", "check_id", "reasons")
    assert Counter((*row[:3], *row[3]) for row in rejected) == {
        (tenant_id, UNITS[0], hostile.id, reason): VOLUMES_PER_UNIT
    }
    assert complaints(warehouse, ESTATE, (*HEALTHY, hostile)) == []
    written = [path.relative_to(folder) for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parts[0] for path in written} == {"catalog.db", "warehouse"}
    assert not list(tmp_path.rglob("*escaped*"))
