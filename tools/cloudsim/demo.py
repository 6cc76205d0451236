"""`python -m tools.cloudsim.demo --dir DIR`: the whole chain, by the real command line, on the simulated estate."""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tools.cloudsim.simulator import TENANT, WORKSPACE, Simulator

_GRACE_SECONDS = 20  # for a child told to end to stop its own workers
Section = tuple[str, tuple[str, ...], list[tuple[str, ...]]]  # title, column names, rows


def main() -> int:
    """Run the demo; returns the exit code of the first command that failed, else 0."""
    parser = argparse.ArgumentParser(description="Run the whole chain on a simulated estate of three clouds.")
    parser.add_argument("--dir", type=Path, default=Path(".demo"), help="where catalog, bills and exports lie")
    parser.add_argument("--inline", action="store_true", help="scan in one process, without Ray")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers and the child end with this process
    return demo(options.dir.resolve(), ("--inline",) if options.inline else ())


def demo(folder: Path, run_options: tuple[str, ...] = ()) -> int:
    """Simulate, run, export and print; what an earlier demo left in the folder's catalog is built upon."""
    progress = Console(stderr=True)
    _say(progress, "starting the simulated estate")
    with Simulator.start(folder=folder) as simulator:
        estate = simulator.estate
        _say(progress, f"{len(estate.resources)} resources on three clouds, {len(simulator.expected)} findings to make")
        tenant = ("--tenant", TENANT, "--config", str(simulator.config_path))
        as_of = f"{estate.as_of:%Y-%m-%dT%H:%M:%SZ}"
        commands = {
            "run": ("run", *tenant, "--workspace", WORKSPACE, "--as-of", as_of, "--json", *run_options),
            "export": ("export", *tenant, "--to", str(folder / "exports")),
        }
        printed = {}
        for name, arguments in commands.items():
            _say(progress, f"finops {name}")
            code, printed[name] = _finops(arguments, simulator.child_environment())
            if code:
                sys.stderr.write(printed[name])
                return code
        _say(progress, "finops explain")
        code, explanation = _finops(("explain", *tenant, _dearest(folder / "exports")), simulator.child_environment())
    summary = json.loads((folder / "exports" / "summary.json").read_text("utf-8"))
    _print(_sections(summary, json.loads(printed["run"])))
    sys.stdout.write(f"\nThe largest saving of those on the bill, explained:\n{explanation}\n")
    sys.stdout.write(f"exports: {folder / 'exports'}\n")
    return code


def _dearest(exports: Path) -> str:
    """Return the id of the finding that saves most of those that the bill was matched with."""
    top = json.loads((exports / "top_savings.json").read_text("utf-8"))["top_savings"]
    return str(next(each["finding_id"] for each in top if each["actual"]["cost_30d"] is not None))


def _say(console: Console, text: str) -> None:
    console.print(text, style="bold" if console.is_terminal else None, highlight=False)


def _finops(arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[int, str]:
    """Run the command line as a child; its stderr goes through. However this ends, the child ends first."""
    command = [sys.executable, "-m", "engine.cli", *arguments]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603 our own module
    try:
        output, _ = child.communicate()
    except BaseException:
        child.terminate()
        try:
            child.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise
    return child.returncode, output


def _sections(summary: dict[str, Any], run: dict[str, Any]) -> Iterator[Section]:
    """Yield what people look at first of `summary.json` and of what `finops run --json` printed."""
    columns = ("findings", "estimated a month", "net a month", "price unknown")
    for group in ("provider", "check"):
        rows = [(name, *_figures(figures)) for name, figures in summary[f"by_{group}"].items()]
        total = [("total", *_figures({"findings": summary["findings"], **summary["estimated"]}))]
        yield f"Waste by {group}", (group, *columns), rows + total
    actual, coverage = summary["actual"], summary["coverage"]
    checks: list[tuple[str, ...]] = [
        (provider, f"{count['ok']} of {count['total']}") for provider, count in coverage["checks"].items()
    ]
    yield "Coverage", ("provider", "checks evaluated, of all planned (unit x check)"), checks
    yield (
        "Bill",
        ("what", "amount"),
        [
            ("billed for these resources, last 30 days", _money(actual["cost_30d"], actual["currency"])),
            ("findings matched with the bill", f"{actual['attributed_findings']} of {summary['findings']}"),
        ],
    )
    yield "Attribution", ("method", "findings"), [(name, str(count)) for name, count in actual["methods"].items()]
    yield "Seconds", ("stage", "seconds"), [(stage, f"{taken:.1f}") for stage, taken in run["seconds"].items()]


def _figures(figures: dict[str, Any]) -> tuple[str, ...]:
    amounts = (_money(figures[name], figures["currency"]) for name in ("gross", "net"))
    return str(figures["findings"]), *amounts, str(figures["unknown_price"])


def _money(amount: str | None, currency: str | None) -> str:
    return "unknown" if amount is None else f"{float(amount):,.2f} {currency}"


def _print(sections: Iterator[Section]) -> None:
    """Print tables on a terminal, else one plain line per row."""
    console = Console()
    for title, columns, rows in sections:
        if console.is_terminal:
            table = Table(*columns, title=title, title_justify="left")
            for row in rows:
                table.add_row(*row)
            console.print(table)
        else:
            sys.stdout.writelines(f"{title}: {_plain(columns, row)}\n" for row in rows)


def _plain(columns: tuple[str, ...], row: tuple[str, ...]) -> str:
    name, *values = row
    if len(values) == 1:
        return f"{name}: {values[0]}"
    return f"{name}: " + ", ".join(f"{column} {value}" for column, value in zip(columns[1:], values, strict=True))


if __name__ == "__main__":
    sys.exit(main())
