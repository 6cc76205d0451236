"""The contract as such engines are usually written, a finding at a time: dict, pydantic, json, hashlib."""

import hashlib
import json
import re
import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, Field, StringConstraints, model_validator

from contracts.canonical import IDENTITY
from contracts.identity import RECIPE
from contracts.seal import seal
from contracts.tables import SCHEMA_VERSION
from tools.stress.benchmarks.contract import STAMP
from tools.stress.benchmarks.floor import Figure, compare, timed
from tools.stress.drafts import drafts

TARGET = 20.0
SAMPLE = 20_000  # rows the plain way is given; both ways are compared per row
_EC2_ID = re.compile(r"(i|vol|snap|eipalloc)-[0-9a-f]+", re.IGNORECASE)
Text = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
Money = Annotated[Decimal, Field(ge=0, lt=10**12)]


class _Finding(BaseModel):
    """One draft with the rules of the contract that this batch can meet."""

    tenant_id: Name
    workspace: Name
    provider: Literal["aws", "azure", "gcp"]
    account_id: Text
    region: Text
    unit_id: Text
    service: Text
    resource_type: Text
    resource_id: Text
    resource_name: str | None
    check_id: Text
    check_version: int
    facet: str
    title: Text
    category: Literal[
        "unused", "idle", "oversized", "outdated", "wrong_tier", "unscheduled", "uncommitted", "licence", "governance"
    ]
    severity: Literal["critical", "high", "medium", "low", "info"]
    confidence: Literal["high", "medium", "low"]
    effort: Literal["very_low", "low", "medium", "high", "very_high"]
    risk: Literal["very_low", "low", "medium", "high", "very_high"]
    restart_needed: bool | None
    rollback_possible: bool | None
    action_kind: Literal["delete", "release", "stop", "upgrade", "rightsize", "migrate", "review"]
    action_from: str | None
    action_to: str | None
    monthly_savings: Money | None
    monthly_cost: Money | None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None
    basis: str | None
    status: Literal["estimated", "upper_bound", "lower_bound", "unknown"]
    missing_price: str | None
    price_date: date | None
    price_source: str | None
    evidence: Annotated[str, StringConstraints(max_length=65_536)]
    tags: Annotated[dict[str, str], Field(max_length=500)]
    source_fingerprints: list[str] | None

    @model_validator(mode="after")
    def _whole(self) -> "_Finding":
        if (self.monthly_savings is None) != (self.status == "unknown"):
            raise ValueError("status: must be unknown exactly when monthly_savings is null")
        json.loads(self.evidence)
        return self


def reference(n: int, repeat: int) -> list[Figure]:
    """Measure how many times faster a row is sealed in a batch of `n` than alone; the sample must come out the same."""
    batch, sample = drafts(n), drafts(min(n, SAMPLE))
    rows = sample.to_dicts()
    scale = n / len(rows)

    def plain(folder: Path) -> float:
        del folder
        return scale * timed(lambda: [seal_one(row) for row in rows])

    def columnar(folder: Path) -> float:
        del folder
        return timed(lambda: seal(batch, STAMP))

    def agrees() -> bool:
        return _same(sample, rows)

    return [compare("reference", n, plain, columnar, target=TARGET, repeat=repeat, agrees=agrees, at_least=True)]


def seal_one(row: dict[str, Any]) -> dict[str, Any]:
    """Canonicalise, validate, identify and nest one draft; raises pydantic's ValidationError for a bad one."""
    draft = _Finding.model_validate({**row, **_canonical(row)}).model_dump()
    identity = "".join(f"{len(field.encode())}:{field}" for field in (RECIPE, *(draft[name] for name in IDENTITY)))
    fingerprint = hashlib.sha256(identity.encode()).hexdigest()
    return {
        **draft,
        "schema_version": SCHEMA_VERSION,
        "fingerprint": fingerprint,
        "finding_id": fingerprint[:32],
        "run_id": STAMP.run_id,
        "run_date": STAMP.run_date,
        "detected_at": STAMP.as_of,
        "action": {part: draft[f"action_{part}"] for part in ("kind", "from", "to")},
        "estimated": {
            name: draft[name]
            for name in (
                *("monthly_savings", "monthly_cost", "currency", "basis", "status"),
                *("missing_price", "price_date", "price_source"),
            )
        },
        "evidence": json.dumps(json.loads(draft["evidence"]), sort_keys=True),
    }


def _canonical(row: dict[str, Any]) -> dict[str, str]:
    values = {name: unicodedata.normalize("NFC", (row[name] or "").strip()) for name in IDENTITY}
    values |= {name: values[name].lower() for name in ("provider", "account_id", "region")}
    if values["provider"] == "azure":
        values["region"] = values["region"].replace(" ", "")
    if values["provider"] == "aws" and values["account_id"].isdigit():
        values["account_id"] = values["account_id"].zfill(12)
    if values["provider"] == "azure" or (values["provider"] == "aws" and _EC2_ID.fullmatch(values["resource_id"])):
        values["resource_id"] = values["resource_id"].lower()
    return values


def _same(sample: pl.DataFrame, rows: list[dict[str, Any]]) -> bool:
    sealed = seal(sample, STAMP).findings.select("fingerprint", "finding_id", "resource_id", "estimated", "action")
    plain = [seal_one(row) for row in rows]
    return sealed.to_dicts() == [{name: row[name] for name in sealed.columns} for row in plain]
