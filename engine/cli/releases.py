"""What was published, told whole, compared and proved: `finops export`, `explain`, `coverage`, `verify`, `diff`."""

from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import typer

from catalog.releases import Release, history, of_run, read
from contracts.errors import NotFound
from contracts.tables import COVERAGE
from engine.cli.options import ConfigOption, JsonOption, TenantOption, open_at
from engine.cli.output import print_json, show_rows
from jobs.costs.explain import explain as explain_finding
from jobs.diff import diff
from jobs.export import coverage_document
from jobs.export import export as export_files
from jobs.focus import export_focus
from jobs.verify import verify

app = typer.Typer()


@app.command("export")
def export_command(
    tenant: TenantOption,
    to: Annotated[Path, typer.Option("--to", help="Folder for the files.")],
    config: ConfigOption = None,
    form: Annotated[
        Literal["json", "focus"], typer.Option("--format", help="Findings, or the bill as FOCUS.")
    ] = "json",
    version: Annotated[Literal["1.2"] | None, typer.Option(help="Of FOCUS; 1.2 is the only one.")] = None,
    period: Annotated[str | None, typer.Option(help="Of FOCUS: one billing period, YYYY-MM. Default: all.")] = None,
) -> None:
    """Write the latest release as JSON files, or its bill as FOCUS; the same release gives the same bytes."""
    if form == "json" and (version or period):
        raise typer.BadParameter("--version and --period are for --format focus")
    warehouse = open_at(config).warehouse
    for path in export_files(warehouse, tenant, to) if form == "json" else export_focus(warehouse, tenant, to, period):
        typer.echo(path)


@app.command("explain")
def explain_command(
    finding: Annotated[str, typer.Argument(help="finding_id or fingerprint.")],
    tenant: TenantOption,
    config: ConfigOption = None,
) -> None:
    """Tell a finding's story: rule, evidence, price, formula, billing rows."""
    typer.echo(explain_finding(open_at(config).warehouse, tenant, finding))


@app.command()
def coverage(tenant: TenantOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say what the released run did not see, and why."""
    opened = open_at(config)
    release = opened.release(tenant)
    if as_json:
        print_json(coverage_document(opened.warehouse, release))
        return
    rows = read(opened.warehouse, release, COVERAGE).filter(pl.col("run_id") == release.run_id)
    gaps = rows.filter(pl.col("outcome") != "ok").sort("unit_id", "subject", "name").collect()
    show_rows(gaps.to_dicts(), ("unit_id", "subject", "name", "outcome", "permission", "message"))


@app.command("verify")
def verify_command(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run that has a release.")],
    tenant: Annotated[str | None, typer.Option("--tenant", help="Whose run, where several have one so named.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a run's tables again from the raw ones and compare digests; exit 1 when one differs."""
    warehouse = open_at(config).warehouse
    verified = verify(warehouse, of_run(warehouse, run_id, tenant))
    printed = verified.to_json()
    if as_json:
        print_json(printed)
    else:
        rows = [{**each, "partition": "/".join(each["partition"])} for each in printed["partitions"]]
        show_rows(rows, ("table", "partition", "stored", "recomputed", "equal"))
        typer.echo(verified.first or "all equal")
    if not verified.equal:
        raise typer.Exit(1)


@app.command("diff")
def diff_command(
    tenant: TenantOption,
    earlier: Annotated[str | None, typer.Option("--from", help="Release. Default: the one before the later.")] = None,
    later: Annotated[str | None, typer.Option("--to", help="Release. Default: the latest.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which findings are new, resolved or save more or less, between two releases."""
    opened = open_at(config)
    document = diff(opened.warehouse, *_two_releases(history(opened.warehouse, tenant), tenant, earlier, later))
    if as_json:
        print_json(document)
        return
    known = [
        {**row, "what": what, "net": row["savings"]["net"]} for what in ("new", "resolved") for row in document[what]
    ]
    moved = [
        {**row, "what": "changed", "net": row["net_after"], "before": row["net_before"]} for row in document["changed"]
    ]
    show_rows([*known, *moved], ("what", "check_id", "account_id", "region", "resource_id", "before", "net"))


def _two_releases(
    releases: list[Release], tenant: str, earlier: str | None, later: str | None
) -> tuple[Release, Release]:
    """Choose two releases by the start of their names, or the last two. Raises NotFound."""

    def named(start: str) -> Release:
        found = [release for release in releases if release.release.startswith(start)]
        if len(found) != 1:
            names = ", ".join(release.release for release in releases) or "none"
            raise NotFound(f"tenant {tenant} has {len(found)} releases {start}; there are: {names}")
        return found[0]

    to = named(later) if later else releases[-1] if releases else None
    before = [release for release in releases if to and release.sequence < to.sequence]
    if to is None or not (earlier or before):
        raise NotFound(f"tenant {tenant} has no two releases to compare; every finished run makes one")
    return (named(earlier) if earlier else before[-1]), to
