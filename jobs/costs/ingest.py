"""Bills into `finops_cur_facts`: every (payer, billing period) of the files given replaces what was known of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from catalog.warehouse import Warehouse
from contracts.errors import BillError
from jobs.costs.loading import load
from jobs.costs.manifests import delivered
from jobs.costs.owners import Assigned, Owners
from jobs.costs.reading import Order, Staged, stage
from jobs.costs.report import FileReport, IngestReport, quarantined, reported

Bill = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Read:
    """What came of one file: its report and, unless that has an error, its staged lines."""

    report: FileReport
    staged: Staged | None = None


StageAll = Callable[[Callable[[Order], Read], Sequence[Order]], Iterable[Read]]


def ingest(
    warehouse: Warehouse,
    tenant_id: str,
    paths: Sequence[str],
    *,
    payer_tenants: Assigned | None = None,
    as_of: datetime | None = None,
    stage_all: StageAll = map,
) -> IngestReport:
    """Load the bills that `paths` (files, folders, globs, URLs) mean; the same delivery again changes nothing.

    Files of one payer and period are parts of one delivery. A file that cannot be read is named, skipped, and makes
    its period partial; the others load. With `payer_tenants` (`owners.Owners`), lines of accounts that are not the
    tenant's are quarantined; with `as_of`, so are charges far in its future. Memory does not grow with the bill: lines
    go through files. `stage_all` reads the files, each by itself, into a folder that it must be able to reach.
    """
    found = delivered(paths)
    owners = None if payer_tenants is None else Owners(payer_tenants)
    with TemporaryDirectory(prefix="bills-") as folder:
        orders = [
            Order(source, Path(folder, str(place)), tenant_id, owners, as_of)
            for place, source in enumerate(found.sources)
        ]
        read = _without_mixed(list(stage_all(read_one, orders)))
        lost = [order.source for order, each in zip(orders, read, strict=True) if each.report.error]
        partial = {source.period for source in lost if source.expected and source.period}
        staged = [each.staged for each in read if each.staged]
        rows = load(warehouse, tenant_id, staged, partial, as_of) if staged else None
    skipped = [f"{each.report.path}: {each.report.error}" for each in read if each.report.error]
    return IngestReport(
        [each.report for each in read],
        [] if rows is None else reported(rows),
        quarantined([each.passed_over for each in staged]),
        [*found.warnings, *skipped, *(told for each in ([] if rows is None else rows["warnings"]) for told in each)],
    )


def read_one(order: Order) -> Read:
    """Read one file and say what became of its lines."""
    source = order.source
    if source.refused:
        return Read(FileReport(path=source.path, error=source.refused))
    try:
        staged = stage(order)
    except BillError as error:
        return Read(FileReport(path=source.path, error=error.reason))
    counts = dict(staged.passed_over.group_by("outcome").agg(pl.col("lines").sum()).iter_rows())
    kept = staged.passed_over.filter(pl.col("outcome") == "quarantined").group_by("reason").agg(pl.col("lines").sum())
    facts = int(staged.sums["rows"].sum())
    report = FileReport(
        path=source.path,
        dialect=staged.dialect,
        rows=facts + sum(counts.values()),
        facts=facts,
        excluded=counts.get("excluded", 0),
        quarantined=counts.get("quarantined", 0),
        reasons=dict(kept.sort("reason").iter_rows()),
    )
    return Read(report, staged)


def _without_mixed(read: Sequence[Read]) -> list[Read]:
    """Refuse the files of a payer and period that come from two exports: added up, they would count it twice.

    What one of the files has of other periods would be a part of them only, so those are refused with it.
    """
    files = {place: each.staged for place, each in enumerate(read) if each.staged}
    bills: dict[Bill, list[int]] = {}
    for place, staged in files.items():
        for bill in staged.bills.iter_rows():
            bills.setdefault(bill, []).append(place)
    refused: dict[int, str] = {}
    for bill, places in bills.items():
        exports = _exports([files[place] for place in places], bill)
        if len(exports) > 1:
            told = f"two exports of payer {bill[0]} and {bill[1]}, {' and '.join(exports)}: name one of them"
            refused.update(dict.fromkeys(places, told))
    while more := {
        place: f"it shares {bill[1]} of payer {bill[0]} with a file that is refused"
        for bill, places in bills.items()
        if refused.keys() & places
        for place in places
        if place not in refused
    }:
        refused.update(more)
    return [
        Read(replace(each.report, error=refused[place], facts=0, rows=0, excluded=0, quarantined=0, reasons={}))
        if place in refused
        else each
        for place, each in enumerate(read)
    ]


def _exports(staged: Sequence[Staged], bill: Bill) -> list[str]:
    """Name the exports that the files of a bill are of."""
    exports = sorted({f"{each.source.export or '.'} as {each.dialect}" for each in staged})
    return exports if len(exports) > 1 else _kinds(staged, bill) or _twins(staged, bill) or exports


def _kinds(staged: Sequence[Staged], bill: Bill) -> list[str]:
    """Name an actual and an amortised export: they have the same columns, and each has every charge."""
    sums = pl.concat(_of(bill, each).select(pl.col("unblended_lines", "amortized_lines").sum()) for each in staged)
    is_actual, is_amortized = (sums["amortized_lines"] == 0).any(), (sums["unblended_lines"] == 0).any()
    return ["one actual", "one amortised"] if is_actual and is_amortized else []


def _twins(staged: Sequence[Staged], bill: Bill) -> list[str]:
    """Name two files with the same totals in different numbers of lines: one month by the hour and by the day."""
    seen: dict[tuple[tuple[str, Decimal | None], ...], tuple[int, str]] = {}
    for each in staged:
        sums = _of(bill, each).sort("currency")
        totals, lines = tuple(sums.select("currency", "unblended").iter_rows()), int(sums["rows"].sum())
        before, path = seen.setdefault(totals, (lines, each.source.path))
        if before != lines and any(total for _, total in totals):
            return [f"{path} of {before} lines", f"{each.source.path} of {lines} with the same total"]
    return []


def _of(bill: Bill, staged: Staged) -> pl.DataFrame:
    payer, period = bill
    return staged.sums.filter(
        pl.col("payer").eq_missing(pl.lit(payer, pl.String)) & (pl.col("billing_period") == period)
    )
