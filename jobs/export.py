"""The five JSON files of a release: the same release gives the same bytes."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from catalog.releases import Release, latest, read
from catalog.warehouse import Warehouse
from contracts.errors import NotFound
from contracts.tables import CORRELATED, CURRENT
from contracts.vocabulary import OPEN_STATES
from jobs.coverage import coverage_totals, released_coverage
from jobs.rendering import document_head, finding_json, json_value
from jobs.summary import summary_document

TOP = 20
_ORDER = (
    "provider",
    "account_id",
    "region",
    "check_id",
    "resource_id",
    "fingerprint",
)  # total: fingerprints are unique
_MEMBER = (
    *("fingerprint", "finding_id", "check_id", "resource_type", "resource_id", "resource_name"),
    *("estimated", "actual", "lifecycle", "savings"),
)


def export(warehouse: Warehouse, tenant_id: str, folder: Path) -> list[Path]:
    """Write the documents of the tenant's latest release; returns the paths.

    A file is whole or not there: it is renamed into place. Raises NotFound before the first release.
    """
    release = latest(warehouse, tenant_id)
    if release is None:
        raise NotFound(f"tenant {tenant_id} has no release yet: finish a run (`finops run --tenant {tenant_id}`) first")
    folder.mkdir(parents=True, exist_ok=True)
    # Findings are streamed: the largest of the documents never stands in memory as a whole.
    documents: dict[str, Mapping[str, Any]] = {
        "findings": {**document_head(release), "findings": _shown(_open_findings(warehouse, release))},
        "summary": summary_document(warehouse, release),
        "top_savings": top_savings_document(warehouse, release),
        "correlated_findings": correlated_document(warehouse, release),
        "coverage": coverage_document(warehouse, release),
    }
    return [_write(folder / f"{name}.json", document) for name, document in documents.items()]


def findings_document(warehouse: Warehouse, release: Release) -> dict[str, Any]:
    """Return every open finding, with lifecycle and net saving, by provider, account, region, check and resource."""
    return {**document_head(release), "findings": list(_shown(_open_findings(warehouse, release)))}


def top_savings_document(warehouse: Warehouse, release: Release) -> dict[str, Any]:
    """Return the 20 open findings that save most, net, largest first."""
    net = pl.col("savings").struct.field("net")
    best = _open_findings(warehouse, release).filter(net > 0).sort(net, "fingerprint", descending=[True, False])
    return {**document_head(release), "top_savings": list(_shown(best.head(TOP)))}


def correlated_document(warehouse: Warehouse, release: Release) -> dict[str, Any]:
    """Return the meta-findings of the latest run of each workspace, each with its members as they stand now.

    A member carries `actual` as far as the bill knew it. A meta-finding with a member that is not open is left out.
    """
    current = _open_findings(warehouse, release)
    members = {row["fingerprint"]: json_value(row) for row in current.select(_MEMBER).iter_rows(named=True)}
    found = _live(read(warehouse, release, CORRELATED).collect(), current).sort(_ORDER)
    shown = [
        {**finding_json(row), "members": [members[each] for each in row["source_fingerprints"]]}
        for row in found.iter_rows(named=True)
    ]
    return {**document_head(release), "correlated_findings": shown}


def coverage_document(warehouse: Warehouse, release: Release) -> dict[str, Any]:
    """Return what the released run read and judged per unit, and the totals."""
    rows = released_coverage(warehouse, release)
    shown = [json_value(row) | {"reasons": row["reasons"] or {}} for row in rows.iter_rows(named=True)]
    return {**document_head(release), "coverage": shown, "totals": coverage_totals(rows)}


def _open_findings(warehouse: Warehouse, release: Release) -> pl.DataFrame:
    is_open = pl.col("lifecycle").struct.field("state").is_in(OPEN_STATES)
    return read(warehouse, release, CURRENT).filter(is_open).collect().sort(_ORDER)


def _shown(findings: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return (finding_json(row) for row in findings.iter_rows(named=True))


def _live(correlated: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    seen = pl.col("lifecycle").struct.field("last_seen").max().alias("detected_at")
    newest = correlated.join(current.group_by("workspace").agg(seen), on=["workspace", "detected_at"], how="semi")
    members = newest.select(meta="fingerprint", fingerprint="source_fingerprints").explode("fingerprint")
    gone = members.join(current, on="fingerprint", how="anti")
    return newest.join(gone, left_on="fingerprint", right_on="meta", how="anti")


def _write(path: Path, document: Mapping[str, Any]) -> Path:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_text(document))
    partial.replace(path)
    return path


def _text(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield an object with sorted keys, one line per key and per element of its lists."""
    opening = "{\n"
    for key in sorted(document):
        yield f"{opening}{json.dumps(key)}: "
        value = document[key]
        yield from _lines(value) if isinstance(value, list | Iterator) else (_compact(value),)
        opening = ",\n"
    yield "\n}\n"


def _lines(values: list[Any] | Iterator[Any]) -> Iterator[str]:
    opening = "["
    for value in values:
        yield f"{opening}\n{_compact(value)}"
        opening = ","
    yield "[]" if opening == "[" else "\n]"


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
