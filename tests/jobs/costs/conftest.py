"""Bills made by hand: AWS's slash-named CSV, and any other table as CSV, Parquet or JSON lines."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.warehouse import Warehouse
from contracts.tables import CUR_FACTS
from jobs.costs.ingest import ingest

DEFAULTS = {
    "bill/PayerAccountId": "999999999999",
    "bill/BillingPeriodStartDate": "2026-10-01T00:00:00Z",
    "bill/InvoiceId": "",
    "lineItem/UsageAccountId": "111111111111",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-10-05T00:00:00Z",
    "lineItem/UsageEndDate": "2026-10-06T00:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "EBS:VolumeUsage.gp2",
    "lineItem/ResourceId": "vol-0a",
    "lineItem/UsageAmount": "1",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedCost": "1",
}


@pytest.fixture
def bill(tmp_path: Path) -> Callable[..., str]:
    """Write a legacy CSV: `bill([{"lineItem/UnblendedCost": "2"}, …], "name.csv", without={…})`; returns its path."""

    def made(rows: list[dict[str, Any]], name: str = "bill.csv", without: frozenset[str] = frozenset()) -> str:
        lines = [{**DEFAULTS, **row} for row in rows]
        columns = [column for column in dict.fromkeys(key for line in lines for key in line) if column not in without]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(lines)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.getvalue().encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return made


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Write rows as the name says: `written([{"BilledCost": "2"}], "a.csv", delimiter=";")`; returns the path."""

    def made(rows: list[dict[str, Any]], name: str = "bill.csv", delimiter: str = ",") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            pq.write_table(pa.Table.from_pylist(rows), path)
        elif name.endswith(".jsonl"):
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        else:
            columns = list(dict.fromkeys(key for row in rows for key in row))
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.DictWriter(file, columns, restval="", delimiter=delimiter)
                writer.writeheader()
                writer.writerows(rows)
        return str(path)

    return made


@pytest.fixture
def facts(warehouse: Warehouse) -> Callable[..., list[dict[str, Any]]]:
    """Ingest a path that must be read whole, and return its facts by cost."""

    def made(path: str) -> list[dict[str, Any]]:
        (file,) = ingest(warehouse, "acme", [path]).files
        assert (file.error, file.quarantined) == (None, 0), file
        found = warehouse.scan(CUR_FACTS, "acme").collect()
        return found.sort("unblended_cost", "amortized_cost").to_dicts()

    return made
