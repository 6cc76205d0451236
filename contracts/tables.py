"""The tables: name, Arrow schema (the source of truth), partition and layer of each.

Nested columns are structs; money is decimal(18,6) in findings and decimal(38,12) in billing facts, always with a
currency beside it. Every timestamp is UTC, microseconds. A column added here is added to existing tables on open;
columns are never renamed or removed.
"""

from dataclasses import dataclass
from functools import cached_property

import polars as pl
import pyarrow as pa

SCHEMA_VERSION = 1
MONEY = pa.decimal128(18, 6)
BILLED = pa.decimal128(38, 12)  # CUR delivers up to 12 decimals
TIME = pa.timestamp("us", "UTC")
TAGS = pa.map_(pa.string(), pa.string())
TEXTS = pa.list_(pa.string())


@dataclass(frozen=True)
class Table:
    """One Iceberg table of the namespace `finops`; the rows of a file lie in `order`, for readers that skip."""

    name: str
    schema: pa.Schema
    partition: tuple[str, ...]
    order: tuple[str, ...] = ()

    @cached_property
    def polars_schema(self) -> pl.Schema:
        """The same columns as Polars types."""
        return pl.DataFrame(self.schema.empty_table()).schema


def _fields(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind) for name in names]


_ACTION = pa.struct(_fields(pa.string(), "kind", "from", "to"))
_ESTIMATED = pa.struct(
    [
        *_fields(MONEY, "monthly_savings", "monthly_cost"),
        *_fields(pa.string(), "currency", "basis", "status", "missing_price"),
        pa.field("price_date", pa.date32()),
        pa.field("price_source", pa.string()),
    ]
)
_ACTUAL = pa.struct(
    [
        *_fields(MONEY, "cost_7d", "cost_30d", "cost_mtd", "cost_prev_month"),
        *_fields(pa.string(), "currency", "basis", "method"),
        pa.field("confidence", pa.decimal128(4, 2)),
        pa.field("reason", pa.string()),
        pa.field("days_with_data", pa.int32()),
        pa.field("data_through", TIME),
        pa.field("covered_30d", MONEY),
        pa.field("includes_related", pa.bool_()),
    ]
)
_LIFECYCLE = pa.struct(
    [
        pa.field("state", pa.string()),
        *_fields(TIME, "first_seen", "last_seen", "resolved_at", "reopened_at"),
        pa.field("reason", pa.string()),
    ]
)
_SAVINGS = pa.struct(
    [
        *_fields(MONEY, "gross", "net"),
        *_fields(pa.string(), "currency", "excluded_by", "reason"),
        pa.field("overstated", pa.bool_()),
        pa.field("basis", pa.string()),
        pa.field("real", MONEY),
        pa.field("real_currency", pa.string()),
        pa.field("covered", MONEY),
    ]
)

_FINDING = pa.schema(
    [
        pa.field("schema_version", pa.int32()),
        *_fields(pa.string(), "tenant_id", "workspace", "provider", "account_id", "region", "service"),
        *_fields(pa.string(), "resource_type", "resource_id", "resource_name"),
        pa.field("check_id", pa.string()),
        pa.field("check_version", pa.int32()),
        *_fields(pa.string(), "facet", "fingerprint", "finding_id", "run_id"),
        pa.field("run_date", pa.date32()),
        pa.field("unit_id", pa.string()),
        pa.field("detected_at", TIME),
        *_fields(pa.string(), "title", "category", "severity", "confidence", "effort", "risk"),
        *_fields(pa.bool_(), "restart_needed", "rollback_possible"),
        pa.field("action", _ACTION),
        pa.field("estimated", _ESTIMATED),
        pa.field("actual", _ACTUAL),
        pa.field("evidence", pa.string()),
        pa.field("tags", TAGS),
        pa.field("source_fingerprints", TEXTS),
    ]
)

_BY_RESOURCE = ("tenant_id", "account_id", "check_id", "resource_id", "facet")

FINDINGS = Table("finops_findings", _FINDING, ("tenant_id", "run_date"), _BY_RESOURCE)
ENRICHED = Table("finops_findings_enriched", _FINDING, ("tenant_id", "run_date"), _BY_RESOURCE)
CORRELATED = Table("finops_findings_correlated", _FINDING, ("tenant_id", "run_date"), _BY_RESOURCE)

CURRENT = Table(
    "finops_findings_current",
    pa.schema([*_FINDING, pa.field("lifecycle", _LIFECYCLE), pa.field("savings", _SAVINGS)]),
    ("tenant_id",),
    _BY_RESOURCE,
)

REJECTED = Table(
    "finops_rejected",
    pa.schema(
        [
            *_fields(pa.string(), "tenant_id", "run_id"),
            pa.field("run_date", pa.date32()),
            *_fields(pa.string(), "unit_id", "check_id", "resource_id"),
            pa.field("reasons", TEXTS),
            pa.field("draft", pa.string()),
        ]
    ),
    ("tenant_id", "run_date"),
    ("tenant_id", "unit_id", "check_id", "resource_id", "draft"),
)

COVERAGE = Table(
    "finops_coverage",
    pa.schema(
        [
            *_fields(pa.string(), "tenant_id", "run_id"),
            pa.field("run_date", pa.date32()),
            *_fields(pa.string(), "unit_id", "workspace", "provider", "account_id", "region"),
            *_fields(pa.string(), "subject", "name", "outcome", "error_code", "permission", "message"),
            *_fields(pa.int64(), "rows", "findings", "ok", "not_applicable", "undetermined"),
            *_fields(pa.int64(), "rejected", "duplicates"),
            pa.field("reasons", pa.map_(pa.string(), pa.int64())),
            pa.field("duration_ms", pa.int64()),
            pa.field("undetermined_ids", TEXTS),
        ]
    ),
    ("tenant_id", "run_date"),
    ("tenant_id", "unit_id", "subject", "name"),
)

CUR_FACTS = Table(
    "finops_cur_facts",
    pa.schema(
        [
            *_fields(pa.string(), "tenant_id", "provider", "payer_account_id", "billing_period"),
            *_fields(pa.string(), "account_id", "region", "service", "resource_id"),
            *_fields(TIME, "usage_start", "usage_end"),
            *_fields(pa.string(), "charge_category", "charge_class", "line_item_type"),
            *_fields(pa.string(), "usage_type", "operation"),
            pa.field("quantity", BILLED),
            pa.field("unit", pa.string()),
            *_fields(BILLED, "cost_primary", "unblended_cost", "net_unblended_cost"),
            *_fields(BILLED, "amortized_cost", "net_amortized_cost", "list_cost"),
            *_fields(pa.string(), "cost_basis", "currency", "commitment_id", "commitment_kind"),
            pa.field("invoice_final", pa.bool_()),
            pa.field("source_file", pa.string()),
            pa.field("tags", TAGS),
            # The two sides of the amortisation identity beside the costs themselves.
            *_fields(BILLED, "upfront_fee", "amortized_upfront"),
        ]
    ),
    ("tenant_id", "billing_period"),
    ("tenant_id", "account_id", "resource_id", "usage_start", "usage_type"),
)

# Lines that are no facts, as they were read: `amount` and `line` (JSON) are the file's own text.
CUR_QUARANTINE = Table(
    "finops_cur_quarantine",
    pa.schema(
        [
            *_fields(pa.string(), "tenant_id", "billing_period", "provider", "payer_account_id", "account_id"),
            *_fields(pa.string(), "reason", "amount", "currency", "source_file", "line"),
        ]
    ),
    ("tenant_id", "billing_period"),
    ("tenant_id", "payer_account_id", "reason", "source_file"),
)

# What every ingest changed: one row per ingest, payer, billing period and currency; `delta_*` is new less replaced.
CUR_INGESTS = Table(
    "finops_cur_ingests",
    pa.schema(
        [
            pa.field("tenant_id", pa.string()),
            pa.field("sequence", pa.int64()),
            pa.field("as_of", TIME),
            *_fields(pa.string(), "payer_account_id", "billing_period", "currency", "status", "delivery"),
            pa.field("source_files", TEXTS),
            *_fields(pa.int64(), "rows", "excluded", "quarantined", "replaced"),
            *_fields(BILLED, "unblended", "net_unblended", "amortized", "net_amortized", "list"),
            pa.field("cost_basis", pa.string()),
            *_fields(BILLED, "residual", "net_residual", "quarantined_cost"),
            *_fields(BILLED, "delta_unblended", "delta_net_unblended", "delta_amortized", "delta_net_amortized"),
            pa.field("delta_list", BILLED),
            pa.field("invoice_final", pa.bool_()),
            pa.field("warnings", TEXTS),
        ]
    ),
    ("tenant_id",),
    ("tenant_id", "sequence", "payer_account_id", "billing_period", "currency"),
)

ATTRIBUTION = Table(
    "finops_cost_attribution",
    pa.schema(
        [
            *_fields(pa.string(), "tenant_id", "run_id"),
            pa.field("run_date", pa.date32()),
            *_fields(pa.string(), "fingerprint", "finding_id", "provider", "account_id", "resource_id"),
            *_fields(pa.string(), "matched_key", "method"),
            pa.field("confidence", pa.decimal128(4, 2)),
            *_fields(pa.string(), "service", "usage_type"),
            *_fields(BILLED, "cost_30d", "quantity_30d"),
            *_fields(pa.string(), "unit", "currency", "basis"),
            pa.field("lines", pa.int64()),
            *_fields(TEXTS, "billing_periods", "source_files"),
            pa.field("invoice_final", pa.bool_()),
            *_fields(pa.string(), "payer_account_id", "region", "commitment_id", "reason"),
            *_fields(BILLED, "cost_7d", "cost_mtd", "cost_prev_month"),
            *_fields(pa.bool_(), "covered", "includes_related", "allocatable"),
            pa.field("days_with_data", pa.int32()),
            pa.field("data_through", TIME),
            pa.field("refused", TEXTS),
            pa.field("scope_cost", BILLED),
            pa.field("scope_resource_count", pa.int64()),
            pa.field("share_rule", pa.string()),
        ]
    ),
    ("tenant_id", "run_date"),
    ("tenant_id", "account_id", "resource_id", "fingerprint", "usage_type"),
)

_KPI = pa.schema(
    [
        *_fields(pa.string(), "tenant_id", "period", "kpi", "dimension", "value"),
        *_fields(BILLED, "numerator", "denominator"),
        pa.field("currency", pa.string()),
    ]
)
_BY_KPI = ("tenant_id", "period", "kpi", "dimension", "value")
KPI_DAILY = Table("finops_kpi_daily", _KPI, ("tenant_id", "period"), _BY_KPI)
KPI_MONTHLY = Table("finops_kpi_monthly", _KPI, ("tenant_id", "period"), _BY_KPI)

RELEASES = Table(
    "finops_releases",
    pa.schema(
        [
            *_fields(pa.string(), "tenant_id", "release"),
            pa.field("sequence", pa.int64()),
            pa.field("run_id", pa.string()),
            pa.field("as_of", TIME),
            pa.field("snapshots", pa.map_(pa.string(), pa.int64())),
        ]
    ),
    ("tenant_id",),
    ("tenant_id", "sequence"),
)

_RAW = (FINDINGS, REJECTED, COVERAGE)
_SILVER = (CUR_FACTS, CUR_QUARANTINE, CUR_INGESTS, ATTRIBUTION, CORRELATED, ENRICHED)
_GOLD = (CURRENT, KPI_DAILY, KPI_MONTHLY, RELEASES)
TABLES = {table.name: table for table in (*_RAW, *_SILVER, *_GOLD)}

# What a checker hands over: flat, every column may be missing or null, amounts wider than storage.
DRAFT = pa.schema(
    [
        *_fields(pa.string(), "tenant_id", "workspace", "provider", "account_id", "region", "unit_id", "service"),
        *_fields(pa.string(), "resource_type", "resource_id", "resource_name", "check_id"),
        pa.field("check_version", pa.int32()),
        *_fields(pa.string(), "facet", "title", "category", "severity", "confidence", "effort", "risk"),
        *_fields(pa.bool_(), "restart_needed", "rollback_possible"),
        *_fields(pa.string(), "action_kind", "action_from", "action_to"),
        *_fields(pa.decimal128(38, 6), "monthly_savings", "monthly_cost"),
        *_fields(pa.string(), "currency", "basis", "status", "missing_price"),
        pa.field("price_date", pa.date32()),
        *_fields(pa.string(), "price_source", "evidence"),
        pa.field("tags", TAGS),
        pa.field("source_fingerprints", TEXTS),
    ]
)
DRAFT_SCHEMA = Table("draft", DRAFT, ()).polars_schema
