"""`FindingDraft`: one draft as an object, for people and tests; the engine itself moves whole batches."""

from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal

import polars as pl

from contracts.tables import DRAFT_SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingDraft:
    """A checker's claim about one resource, in wire form; `seal(FindingDraft.batch([...]), stamp)` judges it."""

    tenant_id: str
    workspace: str
    provider: str
    account_id: str
    region: str
    unit_id: str
    service: str
    resource_type: str
    resource_id: str
    check_id: str
    title: str
    category: str
    action_kind: str
    check_version: int = 1
    resource_name: str | None = None
    facet: str = ""
    severity: str = "medium"
    confidence: str = "high"
    effort: str = "low"
    risk: str = "low"
    restart_needed: bool = False
    rollback_possible: bool = False
    action_from: str | None = None
    action_to: str | None = None
    monthly_savings: Decimal | None = None
    monthly_cost: Decimal | None = None
    currency: str | None = None
    basis: str | None = None
    status: str = "estimated"
    missing_price: str | None = None
    price_date: date | None = None
    price_source: str | None = None
    evidence: str = "{}"
    tags: dict[str, str] = field(default_factory=dict)
    source_fingerprints: list[str] | None = None

    @staticmethod
    def batch(drafts: list["FindingDraft"]) -> pl.DataFrame:
        """Put drafts into one frame of the draft schema, in the order given."""
        return pl.DataFrame([asdict(draft) for draft in drafts], schema=DRAFT_SCHEMA)
