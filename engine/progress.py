"""How a run shows its progress: a display on a terminal, plain lines otherwise; always on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from engine.chain import Reporter


@contextmanager
def reporting(*, quiet: bool = False) -> Iterator[Reporter]:
    """Give the chain somewhere to report to."""
    if quiet:
        yield Reporter(stage=lambda _: None, progress=lambda _done, _total: None)
    elif sys.stderr.isatty():
        yield from _display()
    else:
        yield Reporter(stage=_line, progress=lambda _done, _total: None)


def _display() -> Iterator[Reporter]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("plan", total=None)
        yield Reporter(
            stage=lambda name: shown.update(task, description=name),
            progress=lambda done, total: shown.update(task, completed=done, total=total),
        )


def _line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  the command line's own output
