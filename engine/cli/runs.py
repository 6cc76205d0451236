"""`finops run` and `finops runs`."""

from typing import Annotated

import typer

from engine.chain import execute
from engine.cli.options import AsOfOption, ConfigOption, JsonOption, TenantOption, logical_time, open_at
from engine.cli.output import print_json, show_rows
from engine.config import Ray
from engine.progress import reporting

app = typer.Typer()


@app.command()
def run(
    tenant: TenantOption,
    workspace: Annotated[str | None, typer.Option(help="Workspace; may be left out when there is one.")] = None,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
    resume: Annotated[str | None, typer.Option(help="Go on with this interrupted run.")] = None,
    inline: Annotated[bool, typer.Option("--inline", help="In this process, without Ray.")] = False,
    require_coverage: Annotated[bool, typer.Option("--require-coverage", help="Exit 3 on any gap.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the whole chain: scan, bills, correlate, attribute, lifecycle, KPIs, publish."""
    opened = open_at(config)
    settings = opened.config.model_copy(update={"ray": Ray(address="none")}) if inline else opened.config
    if resume:
        ledger = opened.state.run(tenant, resume)
        chosen = settings.tenant(tenant, ledger.workspace)
    else:
        chosen = settings.tenant(tenant, workspace)
        ledger = opened.state.start_run(tenant, chosen.workspace, logical_time(as_of), chosen.finding_id)
    with reporting() as reporter:
        reporter.stage(f"run {ledger.run_id}")
        result = execute(settings, chosen, ledger, opened.warehouse, reporter)
    opened.state.finish_run(tenant, ledger.run_id, result.to_json())
    if as_json:
        print_json(result.to_json())
    else:
        units = ", ".join(f"{count} {outcome}" for outcome, count in sorted(result.units.items()))
        typer.echo(f"run {ledger.run_id}: {result.findings} findings, {result.rejected} rejected; units: {units}")
    if require_coverage and not result.complete:
        raise typer.Exit(3)


@app.command()
def runs(tenant: TenantOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List a tenant's runs, newest first."""
    rows = [
        {"run_id": each.run_id, "workspace": each.workspace, "status": each.status, **(each.result or {})}
        for each in open_at(config).state.runs(tenant)
    ]
    show_rows(rows, ("run_id", "workspace", "status", "findings", "release"), as_json=as_json)
