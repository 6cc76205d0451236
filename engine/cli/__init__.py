"""The `finops` command: data on stdout, everything else on stderr; stable exit codes.

0 fine · 1 a threshold given by the user was crossed · 2 usage or configuration · 3 finished with incomplete coverage
when --require-coverage was given · 4 authentication · 5 internal
"""

import sys

import polars as pl
import typer

from contracts.errors import AccessDenied, ConfigError, FinopsError, NotFound
from engine.cli import checks, costs, findings, jobs, keys, programs, releases, runs

app = typer.Typer(help="Find cloud waste, price it against the bill, and prove it.", no_args_is_help=True)
for module in (runs, releases, programs):
    app.add_typer(module.app)
for name, group in {"costs": costs, "jobs": jobs, "findings": findings, "checks": checks, "keys": keys}.items():
    app.add_typer(group.app, name=name)


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


def _exit_code(error: FinopsError) -> int:
    if isinstance(error, ConfigError | NotFound):
        return 2
    return 4 if isinstance(error, AccessDenied) else 5
