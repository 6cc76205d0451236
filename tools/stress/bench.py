"""Measure the engine against what the hardware can do: every benchmark beside a floor of the same run.

python -m tools.stress.bench contract write --n 1000000 [--repeat 5] [--json]
"""

import json
import os
import platform
import sys
from enum import StrEnum
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column
from rich.table import Table as Grid

from tools.stress.benchmarks.contract import contract
from tools.stress.benchmarks.costs import costs
from tools.stress.benchmarks.floor import Figure
from tools.stress.benchmarks.jobs import jobs
from tools.stress.benchmarks.pipeline import pipeline
from tools.stress.benchmarks.reference import reference
from tools.stress.benchmarks.scaling import scaling
from tools.stress.benchmarks.workers import ray, resume
from tools.stress.benchmarks.write import write

_DISAGREED = 5  # the exit code
BENCHMARKS = {each.__name__: each for each in (contract, reference, write, pipeline, jobs, scaling, ray, resume, costs)}


class Choice(StrEnum):
    """What can be asked for."""

    contract = "contract"
    reference = "reference"
    write = "write"
    pipeline = "pipeline"
    jobs = "jobs"
    scaling = "scaling"
    ray = "ray"
    resume = "resume"
    costs = "costs"
    all = "all"


def main(
    which: Annotated[list[Choice], typer.Argument(help="What to measure.")],
    n: Annotated[int, typer.Option("--n", min=1, help="How many findings.")] = 1_000_000,
    repeat: Annotated[int, typer.Option(min=1, help="Runs of each, subject and floor in turns; medians count.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Print every ratio with its target; exit 5 when a subject and its floor gave different answers."""
    wanted = BENCHMARKS if "all" in which else {name: BENCHMARKS[name] for name in which}
    figures: list[Figure] = []
    for name, benchmark in wanted.items():
        typer.echo(f"{name}: {n:,} findings", err=True)
        figures += benchmark(n, repeat)
    if as_json:
        report = {"machine": machine(), "benchmarks": [figure.to_json() for figure in figures]}
        typer.echo(json.dumps(report, indent=2))
    else:
        Console().print(grid(figures))
    if not all(figure.agrees for figure in figures):
        sys.exit(_DISAGREED)


def machine() -> dict[str, Any]:
    """Say what it was measured on, and how busy that was: seconds mean nothing without it."""
    return {
        "cpus": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average": list(os.getloadavg()),
        "python": platform.python_version(),
        "system": platform.system(),
        "architecture": platform.machine(),
        **{package: version(package) for package in ("polars", "duckdb", "pyarrow", "pyiceberg")},
    }


def grid(figures: list[Figure]) -> Grid:
    """Lay the figures out for people."""
    table = Grid(
        Column("benchmark", no_wrap=True), "rows", "seconds", "floor", "ratio", "target", "rows/s", "MiB", "same"
    )
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.n:,}",
            f"{figure.subject_seconds:.2f}",
            f"{figure.floor_seconds:.2f}",
            f"[{'green' if figure.reached else 'red'}]{figure.ratio:.2f}[/]",
            f"{'≥' if figure.at_least else '≤'} {figure.target:g}",
            f"{figure.n / figure.subject_seconds:,.0f}",
            f"{figure.peak_rss_bytes / 2**20:,.0f}",
            "yes" if figure.agrees else "[red]no[/]",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
