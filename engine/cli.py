"""The `finops` command: data on stdout, everything else on stderr; stable exit codes.

0 fine · 1 a threshold given by the user was crossed · 2 usage or configuration · 3 finished with incomplete coverage
when --require-coverage was given · 4 authentication · 5 internal
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
import typer
from rich.console import Console
from rich.table import Table as Grid

from catalog.maintenance import maintain
from catalog.releases import Release, history, latest, of_run, read
from catalog.state import State
from catalog.warehouse import Warehouse
from checkers.registry import all_checks, configured, datasets_of
from contracts.errors import AccessDenied, ConfigError, FinopsError, NotFound, PermanentError
from contracts.tables import COVERAGE
from engine.bills import bills_on
from engine.chain import execute
from engine.collect.policy import aws_policy
from engine.config import Config, Ray, load
from engine.doctor import examine
from engine.progress import reporting
from jobs.correlate import correlate
from jobs.costs.attribute import attribute
from jobs.costs.explain import explain as explain_finding
from jobs.costs.ingest import ingest
from jobs.costs.owners import read_owners
from jobs.costs.show import show
from jobs.diff import diff
from jobs.export import coverage_document, findings_document
from jobs.export import export as export_files
from jobs.focus import export_focus
from jobs.kpis import kpis
from jobs.lifecycle import lifecycle
from jobs.publish import publish
from jobs.verify import verify

app = typer.Typer(help="Find cloud waste, price it against the bill, and prove it.", no_args_is_help=True)
costs = typer.Typer(help="Bills.", no_args_is_help=True)
jobs = typer.Typer(help="The parts of the chain behind the scan, one by one.", no_args_is_help=True)
findings = typer.Typer(help="What the latest release says.", no_args_is_help=True)
checks = typer.Typer(help="The rules.", no_args_is_help=True)
keys = typer.Typer(help="API keys, each bound to one tenant.", no_args_is_help=True)
for name, group in {"costs": costs, "jobs": jobs, "findings": findings, "checks": checks, "keys": keys}.items():
    app.add_typer(group, name=name)

_NO_CREDENTIALS, _NO_CATALOG = 4, 5  # exit codes

_TIMES = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]
TenantOption = Annotated[str, typer.Option("--tenant", help="Tenant id.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="FINOPS_CONFIG", help="finops.toml; default: all defaults.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
AsOfOption = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=_TIMES, help="Logical time, UTC. Default: now."),
]


@dataclass(frozen=True, slots=True)
class Opened:
    """A configuration with its catalog and state opened."""

    config: Config
    warehouse: Warehouse
    state: State

    def release(self, tenant_id: str) -> Release:
        """Return what is served for a tenant. Raises NotFound before the first run."""
        release = latest(self.warehouse, tenant_id)
        if release is None:
            raise NotFound(f"tenant {tenant_id} has no release yet; `finops run --tenant {tenant_id}` makes one")
        return release


def main() -> None:
    """Run the command line; an error ends it with its message and its exit code."""
    try:
        app()
    except FinopsError as error:
        typer.echo(f"finops: {error}", err=True)
        sys.exit(_exit_code(error))
    except pl.exceptions.PanicException as error:  # how Polars meets a file shorter than the table says
        typer.echo(f"finops: a table cannot be read ({error}); `finops jobs maintain --dry-run` names it", err=True)
        sys.exit(5)


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
    opened = _open(config)
    settings = opened.config.model_copy(update={"ray": Ray(address="none")}) if inline else opened.config
    if resume:
        ledger = opened.state.run(tenant, resume)
        chosen = settings.tenant(tenant, ledger.workspace)
    else:
        chosen = settings.tenant(tenant, workspace)
        ledger = opened.state.start_run(tenant, chosen.workspace, _logical_time(as_of), chosen.finding_id)
    with reporting() as reporter:
        reporter.stage(f"run {ledger.run_id}")
        result = execute(settings, chosen, ledger, opened.warehouse, reporter)
    opened.state.finish_run(tenant, ledger.run_id, result.to_json())
    if as_json:
        _print_json(result.to_json())
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
        for each in _open(config).state.runs(tenant)
    ]
    _show(rows, ("run_id", "workspace", "status", "findings", "release"), as_json=as_json)


@costs.command("ingest")
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
    opened = _open(config)
    report = ingest(
        opened.warehouse,
        tenant,
        paths,
        payer_tenants=owners,
        as_of=_logical_time(as_of),
        stage_all=bills_on(opened.config.ray.address),
    )
    for warning in report.warnings:
        typer.echo(f"finops: {warning}", err=True)
    printed = report.to_json()
    if as_json:
        _print_json(printed)
    else:
        _show(printed["files"], ("path", "dialect", "rows", "facts", "excluded", "quarantined", "error"))
        _show(printed["periods"], ("payer", "billing_period", "currency", "rows", "unblended", "amortized", "status"))
    if not report.readable:
        raise typer.Exit(2)


@costs.command("show")
def costs_show(
    resource: Annotated[str, typer.Option("--resource", help="A resource's id, in any form.")],
    tenant: TenantOption,
    config: ConfigOption = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=_TIMES, help="Where windows end, UTC. Default: the last complete day of the bill."),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Its account, where several have the id.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what any resource on the bill cost: windows, days with data, method, confidence, evidence."""
    end = None if as_of is None else _logical_time(as_of)
    shown = show(_open(config).warehouse, tenant, resource, end, account)
    if as_json:
        _print_json(shown.to_json())
    else:
        typer.echo(shown)


@jobs.command("correlate")
def jobs_correlate(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Make the meta-findings of the tenant's latest run again."""
    opened, ledger = _latest_run(config, tenant)
    correlate(opened.warehouse, tenant, ledger.run_id, ledger.as_of.date(), ledger.as_of)


@jobs.command("attribute")
def jobs_attribute(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Match the findings of the tenant's latest run with the bill again."""
    opened, ledger = _latest_run(config, tenant)
    attribute(opened.warehouse, tenant, ledger.run_id, ledger.as_of.date(), ledger.as_of)


@jobs.command("lifecycle")
def jobs_lifecycle(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Open, resolve and reopen findings, and net their savings, after the tenant's latest run."""
    opened, ledger = _latest_run(config, tenant)
    lifecycle(opened.warehouse, tenant, ledger.run_id, ledger.as_of.date(), ledger.as_of)


@jobs.command("kpis")
def jobs_kpis(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Compute the KPIs as of the tenant's latest run."""
    opened, ledger = _latest_run(config, tenant)
    kpis(opened.warehouse, tenant, ledger.as_of)


@jobs.command("publish")
def jobs_publish(tenant: TenantOption, config: ConfigOption = None) -> None:
    """Publish the tables as they stand; the same tables again are the same release."""
    opened, ledger = _latest_run(config, tenant)
    typer.echo(publish(opened.warehouse, tenant, ledger.run_id, ledger.as_of).release)


@jobs.command("maintain")
def jobs_maintain(
    config: ConfigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compact small files, expire snapshots, delete orphans; safe while runs write. Exit 5 on a damaged data file."""
    opened = _open(config)
    report = maintain(opened.warehouse, opened.state, _logical_time(None), dry_run=dry_run)
    printed = report.to_json()
    if as_json:
        _print_json(printed)
    else:
        counted = ("orphans", "damaged")
        rows = [
            {"table": name, **each, **{column: len(each[column]) for column in counted}}
            for name, each in printed["tables"].items()
        ]
        _show(rows, ("table", "files_before", "files_after", "snapshots_expired", *counted))
    if report.damaged:
        raise PermanentError(
            f"missing or truncated data files: {', '.join(report.damaged)}; restore them, or scan anew"
        )


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
    warehouse = _open(config).warehouse
    for path in export_files(warehouse, tenant, to) if form == "json" else export_focus(warehouse, tenant, to, period):
        typer.echo(path)


@findings.command("ls")
def findings_ls(tenant: TenantOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the open findings of the latest release; the list of findings.json."""
    rows = _open_findings(_open(config), tenant)
    if as_json:
        _print_json(rows)
        return
    flat = [{**row, "net": row["savings"]["net"], "state": row["lifecycle"]["state"]} for row in rows]
    _show(flat, ("finding_id", "check_id", "account_id", "region", "resource_id", "state", "net"))


@findings.command("show")
def findings_show(
    finding: Annotated[str, typer.Argument(help="finding_id or fingerprint, or the start of one.")],
    tenant: TenantOption,
    config: ConfigOption = None,
) -> None:
    """Print one open finding whole."""
    rows = _open_findings(_open(config), tenant)
    found = [row for row in rows if row["finding_id"].startswith(finding) or row["fingerprint"].startswith(finding)]
    if len(found) != 1:
        raise NotFound(f"{len(found)} open findings start with {finding}; `finops findings ls` lists them")
    _print_json(found[0])


@app.command("explain")
def explain_command(
    finding: Annotated[str, typer.Argument(help="finding_id or fingerprint.")],
    tenant: TenantOption,
    config: ConfigOption = None,
) -> None:
    """Tell a finding's story: rule, evidence, price, formula, billing rows."""
    typer.echo(explain_finding(_open(config).warehouse, tenant, finding))


@checks.command("ls")
def checks_ls(as_json: JsonOption = False) -> None:
    """List every check with what it reads."""
    rows = [
        {"id": check.id, "title": check.title, "category": check.category, "reads": [each.name for each in check.reads]}
        for check in all_checks().values()
    ]
    _show(rows, ("id", "title", "category"), as_json=as_json)


@checks.command("show")
def checks_show(check_id: str) -> None:
    """Print a check's own words: why, claims, skips, reads, pricing."""
    check = all_checks().get(check_id)
    if check is None:
        raise NotFound(f"no check {check_id}; `finops checks ls` lists them")
    typer.echo(sys.modules[f"checkers.{check.id}"].__doc__)


@checks.command("policy")
def checks_policy(config: ConfigOption = None) -> None:
    """Print the read-only IAM policy that the enabled checks need, generated from their datasets."""
    loaded = load(config)
    _print_json(aws_policy(datasets_of(configured(loaded.checks, loaded.file))))


@app.command()
def coverage(tenant: TenantOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say what the released run did not see, and why."""
    opened = _open(config)
    release = opened.release(tenant)
    if as_json:
        _print_json(coverage_document(opened.warehouse, release))
        return
    rows = read(opened.warehouse, release, COVERAGE).filter(pl.col("run_id") == release.run_id)
    gaps = rows.filter(pl.col("outcome") != "ok").sort("unit_id", "subject", "name").collect()
    _show(gaps.to_dicts(), ("unit_id", "subject", "name", "outcome", "permission", "message"))


@app.command("verify")
def verify_command(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run that has a release.")],
    tenant: Annotated[str | None, typer.Option("--tenant", help="Whose run, where several have one so named.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a run's tables again from the raw ones and compare digests; exit 1 when one differs."""
    warehouse = _open(config).warehouse
    verified = verify(warehouse, of_run(warehouse, run_id, tenant))
    printed = verified.to_json()
    if as_json:
        _print_json(printed)
    else:
        rows = [{**each, "partition": "/".join(each["partition"])} for each in printed["partitions"]]
        _show(rows, ("table", "partition", "stored", "recomputed", "equal"))
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
    opened = _open(config)
    document = diff(opened.warehouse, *_two_releases(history(opened.warehouse, tenant), tenant, earlier, later))
    if as_json:
        _print_json(document)
        return
    known = [
        {**row, "what": what, "net": row["savings"]["net"]} for what in ("new", "resolved") for row in document[what]
    ]
    moved = [
        {**row, "what": "changed", "net": row["net_after"], "before": row["net_before"]} for row in document["changed"]
    ]
    _show([*known, *moved], ("what", "check_id", "account_id", "region", "resource_id", "before", "net"))


@app.command()
def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say whether what a run needs is there. Exit 4 when credentials are missing, 5 when the catalog cannot be used."""
    conditions = list(examine(load(config)))
    _show([asdict(each) for each in conditions], ("name", "holds", "detail"), as_json=as_json)
    missing = [each.name for each in conditions if not each.holds]
    if missing:
        raise typer.Exit(_NO_CATALOG if "catalog" in missing else _NO_CREDENTIALS)


@keys.command("create")
def keys_create(tenant: TenantOption, label: Annotated[str, typer.Argument()], config: ConfigOption = None) -> None:
    """Make an API key for a tenant; it is shown once and stored only as a hash."""
    typer.echo(_open(config).state.create_key(tenant, label))


@keys.command("ls")
def keys_ls(tenant: TenantOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List a tenant's keys, without their secrets."""
    rows = [
        {"key_id": key.key_id, "name": key.name, "revoked": key.revoked} for key in _open(config).state.keys(tenant)
    ]
    _show(rows, ("key_id", "name", "revoked"), as_json=as_json)


@keys.command("revoke")
def keys_revoke(key_id: str, tenant: TenantOption, config: ConfigOption = None) -> None:
    """Make a key useless from now on."""
    _open(config).state.revoke_key(tenant, key_id)


@app.command()
def serve(
    config: ConfigOption = None,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8000,
) -> None:
    """Serve the released tables over HTTP; every request needs an API key (`finops keys create`)."""
    catalog = load(config).catalog
    settings = {"FINOPS_CATALOG_URI": catalog.uri, "FINOPS_WAREHOUSE": catalog.warehouse}
    served = ["--interface", "asgi", "--factory", "--host", host, "--port", str(port), "api.app:create"]
    os.execve(sys.executable, [sys.executable, "-m", "granian", *served], {**os.environ, **settings})  # noqa: S606  our own server


@app.command()
def demo(folder: Annotated[Path, typer.Option("--dir", help="Where the demo lives.")] = Path(".demo")) -> None:
    """Run the chain on a simulated estate: no cloud account, no network but loopback."""
    command = [sys.executable, "-m", "tools.cloudsim.demo", "--dir", str(folder)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603  our own module


def _open(config: Path | None) -> Opened:
    loaded = load(config)
    warehouse = Warehouse.open(loaded.catalog.uri, loaded.catalog.warehouse)
    return Opened(loaded, warehouse, State.open(warehouse.uri))


def _latest_run(config: Path | None, tenant: str) -> tuple[Opened, Any]:
    opened = _open(config)
    ledger = opened.state.runs(tenant)
    if not ledger:
        raise NotFound(f"tenant {tenant} has no run yet; `finops run --tenant {tenant}` makes one")
    return opened, ledger[0]


def _open_findings(opened: Opened, tenant: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = findings_document(opened.warehouse, opened.release(tenant))["findings"]
    return rows


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


def _logical_time(given: datetime | None) -> datetime:
    """Return the logical time; the only place below which no clock is read."""
    if given is None:
        return datetime.now(UTC).replace(microsecond=0)
    return given.replace(tzinfo=UTC)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def _show(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool = False) -> None:
    """Print rows as a table on a terminal, as tab-separated lines otherwise."""
    if as_json:
        _print_json(list(rows))
        return
    cells = [["" if row.get(column) is None else str(row[column]) for column in columns] for row in rows]
    if not sys.stdout.isatty():
        for line in [list(columns), *cells]:
            typer.echo("\t".join(line))
        return
    grid = Grid(*columns)
    for line in cells:
        grid.add_row(*line)
    Console().print(grid)


def _exit_code(error: FinopsError) -> int:
    if isinstance(error, ConfigError | NotFound):
        return 2
    return 4 if isinstance(error, AccessDenied) else 5


if __name__ == "__main__":
    main()
