import re

import pytest

from jobs.sql import FOLDER

QUERIES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.sql"))


def test_there_are_queries() -> None:
    assert "kpi_daily/cost_by_service.sql" in QUERIES


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_says_its_grain_value_reads_and_source_and_knows_no_tenant(name: str) -> None:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    header = [line for line in lines if line.startswith("--")]
    statement = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    assert [heading for line in header for heading in re.findall(r"^-- (Grain|Value|Reads|Source) ", line)] == [
        "Grain",
        "Value",
        "Reads",
        "Source",
    ]
    assert "tenant" not in statement
    assert re.match(r"\s*(WITH|SELECT)\b", statement)


@pytest.mark.parametrize("grain", ["kpi_daily", "kpi_monthly"])
def test_a_kpi_is_told_by_day_and_by_month(grain: str) -> None:
    other = {"kpi_daily": "kpi_monthly", "kpi_monthly": "kpi_daily"}[grain]
    assert {path.name for path in (FOLDER / grain).glob("*.sql")} == {
        path.name for path in (FOLDER / other).glob("*.sql")
    }
