"""`finops checks`: the rules."""

import sys

import typer

from checkers.registry import all_checks, configured, datasets_of
from contracts.errors import NotFound
from engine.cli.options import ConfigOption, JsonOption
from engine.cli.output import print_json, show_rows
from engine.collect.policy import aws_policy
from engine.config import load

app = typer.Typer(help="The rules.", no_args_is_help=True)


@app.command("ls")
def checks_ls(as_json: JsonOption = False) -> None:
    """List every check with what it reads."""
    rows = [
        {"id": check.id, "title": check.title, "category": check.category, "reads": [each.name for each in check.reads]}
        for check in all_checks().values()
    ]
    show_rows(rows, ("id", "title", "category"), as_json=as_json)


@app.command("show")
def checks_show(check_id: str) -> None:
    """Print a check's own words: why, claims, skips, reads, pricing."""
    check = all_checks().get(check_id)
    if check is None:
        raise NotFound(f"no check {check_id}; `finops checks ls` lists them")
    typer.echo(sys.modules[f"checkers.{check.id}"].__doc__)


@app.command("policy")
def checks_policy(config: ConfigOption = None) -> None:
    """Print the read-only IAM policy that the enabled checks need, generated from their datasets."""
    loaded = load(config)
    print_json(aws_policy(datasets_of(configured(loaded.checks, loaded.file))))
