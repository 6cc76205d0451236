"""Facts as FOCUS 1.2, as CSV and Parquet: one-way, of a release, with what is null and why beside it."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from catalog.releases import Release, latest, read
from catalog.warehouse import Warehouse
from contracts.errors import NotFound
from contracts.tables import CUR_FACTS
from jobs.costs.dialect import literal
from jobs.rendering import document_head, json_value
from jobs.sql import session, statement

VERSION = "1.2"
MEMORY = "1GB"  # what DuckDB holds before it sorts on disk
_WORDS = Path(__file__).with_name("focus_words")  # FOCUS's for services and regions, ours for columns


def export_focus(warehouse: Warehouse, tenant_id: str, folder: Path, period: str | None = None) -> list[Path]:
    """Write the released facts of every billing period (or one, YYYY-MM) as FOCUS 1.2; returns the paths.

    Per period `focus_YYYY-MM.csv` and `.parquet` with the same rows, and `focus.json`, which says what they add up to,
    what is null in them and why. The same release gives the same bytes, and memory does not grow with it: rows go
    through files and are sorted there. Raises NotFound before the first release and for a period without facts.
    """
    release = latest(warehouse, tenant_id)
    if release is None:
        raise NotFound(f"tenant {tenant_id} has no release yet: finish a run (`finops run --tenant {tenant_id}`) first")
    known = read(warehouse, release, CUR_FACTS).select("billing_period").unique().collect().to_series().sort().to_list()
    periods = known if period is None else [each for each in known if each == period]
    if not periods:
        raise NotFound(
            f"no facts of {period or 'any billing period'} are released; there are: {', '.join(known) or '-'}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".focus-") as scratch:
        told = [_period(warehouse, release, each, Path(scratch)) for each in periods]
        document = {**document_head(release), "focus_version": VERSION, "derived": _notes("made_of"), "periods": told}
        Path(scratch, "focus.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        names = [f"focus_{each}.{form}" for each in periods for form in ("csv", "parquet")]
        return [Path(scratch, name).replace(folder / name) for name in [*names, "focus.json"]]


def _period(warehouse: Warehouse, release: Release, period: str, folder: Path) -> dict[str, Any]:
    """Write both files of a billing period; returns what `focus.json` says of them."""
    facts, exported = folder / "facts.parquet", folder / f"focus_{period}.parquet"
    read(warehouse, release, CUR_FACTS).filter(pl.col("billing_period") == period).sink_parquet(facts)
    with session() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET temp_directory = {literal(str(folder / 'spill'))}")
        connection.read_parquet(str(facts)).create_view("facts")
        connection.register("services", _words("services").with_columns(pl.col("service").str.to_lowercase()))
        connection.register("regions", _words("regions"))
        rows = statement("focus_export/rows")
        connection.execute(f"COPY ({rows}) TO {literal(str(exported))} (FORMAT parquet, COMPRESSION zstd)")
        connection.read_parquet(str(exported)).create_view("exported")
        csv = literal(str(exported.with_suffix(".csv")))
        connection.execute(f"COPY exported TO {csv} (FORMAT csv, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ')")
        totals = connection.sql(statement("focus_export/totals")).pl().to_dicts()
    return {
        "billing_period": period,
        "files": [exported.with_suffix(".csv").name, exported.name],
        "totals": json_value(totals),
        "nulls": _nulls(exported),
    }


def _nulls(exported: Path) -> list[dict[str, Any]]:
    """Say of every column with nulls how many it has, and why."""
    counts = pl.scan_parquet(exported).null_count().collect(engine="streaming").row(0, named=True)
    why = _notes("null_means")
    return [{"column": name, "rows": rows, "why": why[name]} for name, rows in counts.items() if rows]


def _notes(kind: str) -> dict[str, str]:
    """Return of every column why it may be null, or what it is made of where that is not the source's own word."""
    return dict(_words("columns").select("column", kind).drop_nulls().iter_rows())


def _words(name: str) -> pl.DataFrame:
    return pl.read_csv(_WORDS / f"{name}.csv")
