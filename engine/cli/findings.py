"""`finops findings`: what the latest release says."""

from typing import Annotated, Any

import typer

from contracts.errors import NotFound
from engine.cli.options import ConfigOption, JsonOption, Opened, TenantOption, open_at
from engine.cli.output import print_json, show_rows
from jobs.export import findings_document

app = typer.Typer(help="What the latest release says.", no_args_is_help=True)


@app.command("ls")
def findings_ls(tenant: TenantOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the open findings of the latest release; the list of findings.json."""
    rows = _open_findings(open_at(config), tenant)
    if as_json:
        print_json(rows)
        return
    flat = [{**row, "net": row["savings"]["net"], "state": row["lifecycle"]["state"]} for row in rows]
    show_rows(flat, ("finding_id", "check_id", "account_id", "region", "resource_id", "state", "net"))


@app.command("show")
def findings_show(
    finding: Annotated[str, typer.Argument(help="finding_id or fingerprint, or the start of one.")],
    tenant: TenantOption,
    config: ConfigOption = None,
) -> None:
    """Print one open finding whole."""
    rows = _open_findings(open_at(config), tenant)
    found = [row for row in rows if row["finding_id"].startswith(finding) or row["fingerprint"].startswith(finding)]
    if len(found) != 1:
        raise NotFound(f"{len(found)} open findings start with {finding}; `finops findings ls` lists them")
    print_json(found[0])


def _open_findings(opened: Opened, tenant: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = findings_document(opened.warehouse, opened.release(tenant))["findings"]
    return rows
