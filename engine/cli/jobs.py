"""`finops jobs`: the parts of the chain behind the scan."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog.maintenance import maintain
from catalog.warehouse import Warehouse
from contracts.errors import PermanentError
from engine.cli.options import ConfigOption, JsonOption, TenantOption, latest_run, logical_time, open_at
from engine.cli.output import print_json, show_rows
from jobs.correlate import correlate
from jobs.costs.attribute import attribute
from jobs.kpis import kpis
from jobs.lifecycle import lifecycle
from jobs.publish import publish

app = typer.Typer(help="The parts of the chain behind the scan, one by one.", no_args_is_help=True)


@app.command("correlate")
def jobs_correlate(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Make the meta-findings of the tenant's latest run again."""
    _again(correlate, tenant, config)


@app.command("attribute")
def jobs_attribute(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Match the findings of the tenant's latest run with the bill again."""
    _again(attribute, tenant, config)


@app.command("lifecycle")
def jobs_lifecycle(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Open, resolve and reopen findings, and net their savings, after the tenant's latest run."""
    _again(lifecycle, tenant, config)


@app.command("kpis")
def jobs_kpis(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Compute the KPIs as of the tenant's latest run."""
    opened, ledger = latest_run(config, tenant)
    kpis(opened.warehouse, tenant, ledger.as_of)


@app.command("publish")
def jobs_publish(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Publish the tables as they stand; the same tables again are the same release."""
    opened, ledger = latest_run(config, tenant)
    typer.echo(publish(opened.warehouse, tenant, ledger.run_id, ledger.as_of).release)


@app.command("maintain")
def jobs_maintain(
    config: ConfigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compact small files, expire snapshots, delete orphans; safe while runs write. Exit 5 on a damaged data file."""
    opened = open_at(config)
    report = maintain(opened.warehouse, opened.state, logical_time(None), dry_run=dry_run)
    printed = report.to_json()
    if as_json:
        print_json(printed)
    else:
        counted = ("orphans", "damaged")
        rows = [
            {"table": name, **each, **{column: len(each[column]) for column in counted}}
            for name, each in printed["tables"].items()
        ]
        show_rows(rows, ("table", "files_before", "files_after", "snapshots_expired", *counted))
    if report.damaged:
        raise PermanentError(
            f"missing or truncated data files: {', '.join(report.damaged)}; restore them, or scan anew"
        )


def _again(job: Callable[[Warehouse, str, str, date, datetime], None], tenant: str, config: Path | None) -> None:
    opened, ledger = latest_run(config, tenant)
    job(opened.warehouse, tenant, ledger.run_id, ledger.as_of.date(), ledger.as_of)
