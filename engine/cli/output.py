"""How commands print: JSON, a table on a terminal, tab-separated lines otherwise."""

import json
import sys
from collections.abc import Iterable
from typing import Any

import typer
from rich.console import Console
from rich.table import Table as Grid


def print_json(value: Any) -> None:
    """Print a value as JSON with sorted keys."""
    typer.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def show_rows(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool = False) -> None:
    """Print rows as a table on a terminal, as tab-separated lines otherwise."""
    if as_json:
        print_json(list(rows))
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
