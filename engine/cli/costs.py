"""`finops costs`: bills."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from engine.bills import bills_on
from engine.cli.options import TIMES, AsOfOption, ConfigOption, JsonOption, TenantOption, logical_time, open_at
from engine.cli.output import print_json, show_rows
from jobs.costs.ingest import ingest
from jobs.costs.owners import read_owners
from jobs.costs.show import show

app = typer.Typer(help="Bills.", no_args_is_help=True)


@app.command("ingest")
def costs_ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs or URLs (s3://, gs://, abfs://).")],
    tenant: TenantOption,
    payer_tenants: Annotated[
        Path | None, typer.Option("--payer-tenants", help="TOML: whose payers and accounts are. See docs/billing.md.")
    ] = None,
    as_of: AsOfOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load bills; a period of a payer is replaced, never added to. Exit 2 when nothing could be read."""
    owners = read_owners(payer_tenants).assigned if payer_tenants else None
    opened = open_at(config)
    report = ingest(
        opened.warehouse,
        tenant,
        paths,
        payer_tenants=owners,
        as_of=logical_time(as_of),
        stage_all=bills_on(opened.config.ray.address),
    )
    for warning in report.warnings:
        typer.echo(f"finops: {warning}", err=True)
    printed = report.to_json()
    if as_json:
        print_json(printed)
    else:
        show_rows(printed["files"], ("path", "dialect", "rows", "facts", "excluded", "quarantined", "error"))
        show_rows(
            printed["periods"], ("payer", "billing_period", "currency", "rows", "unblended", "amortized", "status")
        )
    if not report.readable:
        raise typer.Exit(2)


@app.command("show")
def costs_show(
    resource: Annotated[str, typer.Option("--resource", help="A resource's id, in any form.")],
    tenant: TenantOption,
    config: ConfigOption = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=TIMES, help="Where windows end, UTC. Default: the last complete day of the bill."),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Its account, where several have the id.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what any resource on the bill cost: windows, days with data, method, confidence, evidence."""
    end = None if as_of is None else logical_time(as_of)
    shown = show(open_at(config).warehouse, tenant, resource, end, account)
    if as_json:
        print_json(shown.to_json())
    else:
        typer.echo(shown)
