"""Attribution of findings against ten times as many bill lines, against one DuckDB query over the same files.

Both give the cost of every finding and the billing rows behind it. The job also decides how each id was matched, and
commits two tables; the query takes ids as they are, and writes one file.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from catalog.warehouse import Warehouse
from contracts.seal import seal
from contracts.tables import ATTRIBUTION, CUR_FACTS, ENRICHED, FINDINGS
from jobs.costs.attribute import attribute
from jobs.costs.windows import WINDOWS
from tools.stress.benchmarks.contract import STAMP
from tools.stress.benchmarks.floor import Figure, compare, timed
from tools.stress.benchmarks.jobs import data_files
from tools.stress.drafts import drafts
from tools.stress.runs import open_warehouse

TARGET = 1.5
LINES_PER_FINDING = 10
TENANT = "tenant-0000"  # the only one of `drafts(..., tenants=1)`
_QUERY = Path(__file__).with_name("sql") / "attribution.sql"
_DAYS_AGO = (1, 5, 20, 40)
_USAGE = ("EBS:VolumeUsage.gp3", "EBS:VolumeP-IOPS.gp3")


def attribution(n: int, repeat: int) -> list[Figure]:
    """Measure the matching of `n` / 10 findings with `n` bill lines."""
    answers: list[pl.DataFrame] = []
    with TemporaryDirectory(prefix="bench-") as scratch:
        warehouse = open_warehouse(Path(scratch))
        findings = seal(drafts(max(1, n // LINES_PER_FINDING), tenants=1), STAMP).findings
        warehouse.append(FINDINGS, findings, TENANT)
        warehouse.append(CUR_FACTS, bill_lines(findings).collect(), TENANT)

        def subject(folder: Path) -> float:
            del folder
            for table in (ENRICHED, ATTRIBUTION):
                nothing = pl.DataFrame(schema=table.polars_schema)
                warehouse.replace(table, nothing, TENANT, partition={"run_date": STAMP.run_date})
            return timed(lambda: attribute(warehouse, TENANT, STAMP.run_id, STAMP.run_date, STAMP.as_of))

        def floor(folder: Path) -> float:
            return timed(lambda: answers.append(_in_one_query(warehouse, folder)))

        def agrees() -> bool:
            costs = _costs(warehouse.scan(ENRICHED, TENANT).collect())
            rows = _billing_rows(warehouse.scan(ATTRIBUTION, TENANT).collect())
            return all(costs.equals(_costs(each)) and rows.equals(_billing_rows(_unnested(each))) for each in answers)

        return [compare("costs_attribution", n, subject, floor, target=TARGET, repeat=repeat, agrees=agrees)]


def bill_lines(findings: pl.DataFrame) -> pl.LazyFrame:
    """Make ten lines per finding: eight of its resource, two of other resources or of none."""
    resources = findings.lazy().select(
        "tenant_id", "provider", "account_id", "region", "resource_id", n=pl.int_range(pl.len())
    )
    days = pl.LazyFrame({"days": _DAYS_AGO})
    mine = resources.join(days, how="cross").join(pl.LazyFrame({"usage_type": _USAGE}), how="cross")
    other = pl.when(pl.col("n") % 2 == 0).then(pl.format("other-{}", "n"))
    others = resources.with_columns(resource_id=other, usage_type=pl.lit("Requests-Tier1")).join(
        days.head(2), how="cross"
    )
    cost = (1 + pl.col("n") % 977).cast(pl.Decimal(38, 12)) / 8192
    start = pl.lit(STAMP.as_of) - pl.duration(days="days")
    lines = pl.concat([mine, others], how="diagonal").with_columns(
        payer_account_id=pl.lit("999999999999"),
        billing_period=start.dt.strftime("%Y-%m"),
        service=pl.lit("AmazonEC2"),
        usage_start=start,
        usage_end=start + pl.duration(days=1),
        charge_category=pl.lit("Usage"),
        line_item_type=pl.lit("Usage"),
        quantity=1 + pl.col("n") % 90,
        unit=pl.lit("GB-Mo"),
        cost_primary=cost,
        amortized_cost=cost,
        unblended_cost=cost,
        cost_basis=pl.lit("amortized"),
        currency=pl.lit("USD"),
        invoice_final=pl.lit(value=False),
        source_file=pl.lit("bill.parquet"),
    )
    absent = {name: pl.lit(None) for name in CUR_FACTS.schema.names if name not in lines.collect_schema()}
    typed = (pl.col(name).cast(kind) for name, kind in CUR_FACTS.polars_schema.items())
    return lines.with_columns(**absent).select(typed).sort(CUR_FACTS.order)


def _in_one_query(warehouse: Warehouse, folder: Path) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in {"findings": FINDINGS, "cur_facts": CUR_FACTS}.items():
            connection.read_parquet(data_files(warehouse, table)).create_view(name)
        rows: pl.DataFrame = connection.sql(_QUERY.read_text(encoding="utf-8"), params={"as_of": STAMP.as_of}).pl()
    rows.write_parquet(folder / "answer.parquet", compression="zstd")
    return rows.select("fingerprint", "actual", "evidence_rows")


def _costs(rows: pl.DataFrame) -> pl.DataFrame:
    actual = pl.col("actual").struct
    told = rows.select("fingerprint", actual.field("method"), *(actual.field(name) for name in WINDOWS))
    return told.sort("fingerprint")


def _unnested(answer: pl.DataFrame) -> pl.DataFrame:
    return answer.select("fingerprint", "evidence_rows").explode("evidence_rows").unnest("evidence_rows")


def _billing_rows(rows: pl.DataFrame) -> pl.DataFrame:
    named = rows.select("fingerprint", "usage_type", "unit", "currency", "cost_30d", "quantity_30d", "lines")
    return named.sort("fingerprint", "usage_type")
