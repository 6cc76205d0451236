"""What runs beside the chain: `finops serve`, `demo` and `doctor`."""

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import ConfigOption, JsonOption
from engine.cli.output import show_rows
from engine.config import load
from engine.doctor import examine

app = typer.Typer()
_NO_CREDENTIALS, _NO_CATALOG = 4, 5  # exit codes


@app.command()
def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say whether what a run needs is there. Exit 4 when credentials are missing, 5 when the catalog cannot be used."""
    conditions = list(examine(load(config)))
    show_rows([asdict(each) for each in conditions], ("name", "holds", "detail"), as_json=as_json)
    missing = [each.name for each in conditions if not each.holds]
    if missing:
        raise typer.Exit(_NO_CATALOG if "catalog" in missing else _NO_CREDENTIALS)


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
