"""The report about focus-validator's result; the validator itself needs a Python of its own and is run by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.focus_check.__main__ import checked, failed, reason, report

RESULT = """<testsuites>
<testsuite><testcase name="BilledCost-C-003-M :: Nullability"/></testsuite>
<testsuite><testcase name="SubAccountName-C-005-C :: Nullability"><failure>Failed</failure></testcase></testsuite>
<testsuite><testcase name="SubAccountName-C-000-C :: Composite"><failure>Failed</failure></testcase></testsuite>
<testsuite><testcase name="BilledCost-C-007-M :: Validation"><skipped/></testcase></testsuite>
<testsuite><testcase name="PricingCurrencyEffectiveCost-C-001-M :: None"><error/></testcase></testsuite>
</testsuites>"""


@pytest.fixture
def validator(tmp_path: Path) -> Path:
    """Make a program that writes the result of a validator where it is told to."""
    program = tmp_path / "bin" / "focus-validator"
    program.parent.mkdir()
    (tmp_path / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[-1], 'w').write('''{RESULT}''')\n")
    program.chmod(0o755)
    return program


def test_every_rule_has_its_outcome_and_what_fails_of_itself_its_reason(validator: Path, tmp_path: Path) -> None:
    outcomes = checked(validator, tmp_path / "focus.parquet")
    assert {rule: outcome for rule, (_, outcome) in outcomes.items()} == {
        "BilledCost-C-003-M": "passed",
        "SubAccountName-C-005-C": "failed",
        "SubAccountName-C-000-C": "failed",
        "BilledCost-C-007-M": "skipped",
        "PricingCurrencyEffectiveCost-C-001-M": "failed",
    }
    assert failed(outcomes) == ["SubAccountName-C-005-C", "PricingCurrencyEffectiveCost-C-001-M"]
    lines = list(report({"focus.parquet": outcomes}))
    assert "| focus.parquet | 5 | 1 | 3 | 1 | 1 |" in lines
    assert f"| SubAccountName-C-005-C | focus.parquet | {reason('SubAccountName-C-005-C')} |" in lines
    assert "| BilledCost-C-007-M | Validation | skipped |" in lines


def test_a_failure_that_nobody_explained_has_no_reason() -> None:
    assert reason("BilledCost-C-001-M") is None
    assert reason("PricingCurrencyListUnitPrice-C-008-M") == reason("PricingCurrencyEffectiveCost-C-001-M") is not None


def test_the_shipped_result_explains_each_of_its_failures() -> None:
    shipped = (Path(__file__).parents[2] / "docs" / "focus-conformance.md").read_text(encoding="utf-8")
    assert shipped.count("| BilledCost-C-003-M | Nullability | passed | passed |") == 1
    assert "not explained" not in shipped


def test_without_a_new_enough_python_it_says_what_it_needs(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    command = [sys.executable, "-m", "tools.focus_check", "focus.parquet", "--python", str(old)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "focus-validator needs Python >= 3.12, and there is none: name one with --python\n",
    )
