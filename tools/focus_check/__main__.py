"""`python -m tools.focus_check FILE…`: run focus-validator over FOCUS 1.2 files and write the result, rule by rule.

The validator is a tool of its own: it needs Python 3.12 and an older NumPy, so it gets an environment of its own, which
is made once in `--tools`. Exit 1 when a rule fails whose reason `left.csv` does not have, 2 without such a Python.
"""

import argparse
import csv
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

NEEDS = (3, 12)
# focus-validator pins NumPy 1.26; newer pyarrow needs NumPy 2.
PINS = ("focus-validator==2.2.1", "pyarrow==19.0.1")
MODEL = "1.2.0.1"  # the only one that the package brings along; others are downloads
# What AWS, Azure and Google Cloud support of what FOCUS makes columns depend on.
SUPPORTED = (
    "ACCOUNT_NAMING_SUPPORTED", "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED", "COMMITMENT_DISCOUNT_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED", "NEGOTIATED_PRICING_SUPPORTED", "PUBLIC_PRICE_LIST_SUPPORTED",
    "REGION_SUPPORTED", "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED", "SUB_ACCOUNT_SUPPORTED", "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED", "USAGE_MEASUREMENT_SUPPORTED",
)  # fmt: skip
_LEFT = Path(__file__).with_name("left.csv")
_TESTED = f"import sys; sys.exit(sys.version_info < {NEEDS})"
Outcomes = Mapping[str, tuple[str, str]]  # rule -> kind of check, outcome


def main() -> int:
    """Check the files and write the report; returns the exit code."""
    parser = argparse.ArgumentParser(description="Run focus-validator over FOCUS 1.2 files.")
    parser.add_argument("files", nargs="+", type=Path, help="CSV or Parquet files of `finops export --format focus`")
    parser.add_argument("--python", help="a Python of at least 3.12; default: the first one on the path")
    parser.add_argument("--tools", type=Path, default=Path(".focus-validator"), help="where the validator is installed")
    parser.add_argument("--report", type=Path, help="write the result there as Markdown; default: standard output")
    options = parser.parse_args()
    python = _python((options.python,) if options.python else ("python3.12", "python3.13", "python3"))
    if python is None:
        sys.stderr.write("focus-validator needs Python >= 3.12, and there is none: name one with --python\n")
        return 2
    validator = _installed(python, options.tools.resolve())
    outcomes = {path.name: checked(validator, path.resolve()) for path in options.files}
    text = "".join(f"{line}\n" for line in report(outcomes))
    options.report.write_text(text, encoding="utf-8") if options.report else sys.stdout.write(text)
    unexplained = sorted({rule for each in outcomes.values() for rule in failed(each) if reason(rule) is None})
    sys.stderr.write("".join(f"fails without a reason in {_LEFT.name}: {rule}\n" for rule in unexplained))
    return 1 if unexplained else 0


def _python(names: Sequence[str]) -> str | None:
    """Return the first of the names that starts a new enough Python (a pyenv shim may start none)."""
    found = [path for name in names if (path := shutil.which(name))]
    return next((path for path in found if _run([path, "-c", _TESTED]).returncode == 0), None)


def _installed(python: str, folder: Path) -> Path:
    """Make the validator's environment where it is not there yet; returns its program."""
    program = folder / "bin" / "focus-validator"
    if not program.exists():
        for command in ([python, "-m", "venv", str(folder)], [str(folder / "bin" / "pip"), "install", "-q", *PINS]):
            done = _run(command)
            if done.returncode:
                raise SystemExit(done.stderr)
    return program


def checked(validator: Path, file: Path) -> Outcomes:
    """Return the outcome of every rule for one file."""
    home = next((validator.parents[1] / "lib").glob("python3.*/site-packages"))  # it opens its word lists from there
    with TemporaryDirectory() as folder:
        result = Path(folder, "result.xml")
        options = ("--validate-version", MODEL, "--block-download", "--applicability-criteria", ",".join(SUPPORTED))
        written = ("--output-type", "unittest", "--output-destination", str(result))
        done = _run([str(validator), "--data-file", str(file), *options, *written], home)
        if not result.exists():
            raise SystemExit(f"focus-validator gave no result for {file}: {done.stderr}")
        return dict(_outcomes(ET.parse(result).getroot()))  # noqa: S314  the validator's own output


def _outcomes(root: ET.Element) -> Iterator[tuple[str, tuple[str, str]]]:
    for case in root.iter("testcase"):
        rule, _, kind = case.attrib["name"].partition(" :: ")
        outcome = next((child.tag for child in case), "passed")
        yield rule, (kind, {"failure": "failed", "error": "failed"}.get(outcome, outcome))


def failed(outcomes: Outcomes) -> list[str]:
    """Return the rules that fail of themselves, not those made of rules that do."""
    return [rule for rule, (kind, outcome) in outcomes.items() if outcome == "failed" and kind != "Composite"]


def reason(rule: str) -> str | None:
    """Return why a rule is left failing; None where nobody has said so."""
    with _LEFT.open(encoding="utf-8", newline="") as file:
        reasons = {row["rule"]: row["why"] for row in csv.DictReader(file)}
    column = next((reasons[name] for name in reasons if "-" not in name and name in rule), None)
    return reasons.get(rule, column)


def report(outcomes: Mapping[str, Outcomes]) -> Iterator[str]:
    """Yield the lines of the report: the counts, what fails and why, and every rule's outcome."""
    yield "# FOCUS conformance"
    yield ""
    yield f"Made by `python -m tools.focus_check {' '.join(outcomes)}` with {PINS[0]}, model {MODEL}, offline,"
    yield f"for providers with {', '.join(SUPPORTED)}. Skipped are rules"
    yield "that data alone cannot show, and those of other criteria. A composite rule fails with any it is made of."
    yield ""
    yield "| file | rules | passed | failed | of them composite | skipped |"
    yield "|---|---|---|---|---|---|"
    for name, rules in outcomes.items():
        of = {each: sum(outcome == each for _, outcome in rules.values()) for each in ("passed", "failed", "skipped")}
        composite = of["failed"] - len(failed(rules))
        yield f"| {name} | {len(rules)} | {of['passed']} | {of['failed']} | {composite} | {of['skipped']} |"
    yield from ("", "## What fails, and why it is left", "", "| rule | fails in | why |", "|---|---|---|")
    for rule in sorted({rule for rules in outcomes.values() for rule in failed(rules)}):
        where = [name for name, rules in outcomes.items() if rule in failed(rules)]
        yield f"| {rule} | {', '.join(where)} | {reason(rule) or 'not explained'} |"
    yield from (
        "",
        "## Every rule",
        "",
        f"| rule | check | {' | '.join(outcomes)} |",
        "|---" * (2 + len(outcomes)) + "|",
    )
    for rule in sorted({rule for rules in outcomes.values() for rule in rules}):
        found = [rules.get(rule, ("", "")) for rules in outcomes.values()]
        yield f"| {rule} | {found[0][0]} | {' | '.join(outcome for _, outcome in found)} |"


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  named above


if __name__ == "__main__":
    sys.exit(main())
