"""`finops keys`: API keys."""

from typing import Annotated

import typer

from engine.cli.options import ConfigOption, JsonOption, TenantOption, open_at
from engine.cli.output import show_rows

app = typer.Typer(help="API keys, each bound to one tenant.", no_args_is_help=True)


@app.command("create")
def keys_create(tenant: TenantOption, label: Annotated[str, typer.Argument()], config: ConfigOption = None) -> None:
    """Make an API key for a tenant; it is shown once and stored only as a hash."""
    typer.echo(open_at(config).state.create_key(tenant, label))


@app.command("ls")
def keys_ls(tenant: TenantOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List a tenant's keys, without their secrets."""
    rows = [
        {"key_id": key.key_id, "name": key.name, "revoked": key.revoked} for key in open_at(config).state.keys(tenant)
    ]
    show_rows(rows, ("key_id", "name", "revoked"), as_json=as_json)


@app.command("revoke")
def keys_revoke(key_id: str, tenant: TenantOption, config: ConfigOption = None) -> None:
    """Make a key useless from now on."""
    open_at(config).state.revoke_key(tenant, key_id)
