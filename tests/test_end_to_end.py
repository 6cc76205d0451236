"""The whole chain by the real command line on the simulated estate: what is waste is known by construction."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tools.cloudsim.aws_estate import ACCOUNTS
from tools.cloudsim.bill import bill_total
from tools.cloudsim.simulator import Simulator

pytestmark = pytest.mark.slow
AS_OF = ("--as-of", "2026-11-01T00:00:00Z")
TENANT = ("--tenant", "acme")
Key = tuple[str, str, str]


def found(rows: list[dict[str, Any]]) -> list[Key]:
    return sorted((row["check_id"], row["account_id"], row["resource_id"]) for row in rows)


@pytest.fixture(scope="module")
def cli(simulator: Simulator, finops: Callable[..., Any]) -> Any:
    return finops(simulator.child_environment())


@pytest.fixture(scope="module")
def first_run(simulator: Simulator, cli: Any) -> dict[str, Any]:
    """Run with every gap forbidden, which a whole run does not mind."""
    config = ("--config", simulator.config_path)
    result: dict[str, Any] = cli.json("run", *TENANT, *config, *AS_OF, "--inline", "--require-coverage")
    return result


@pytest.fixture(scope="module")
def exported(simulator: Simulator, cli: Any, first_run: dict[str, Any], tmp_path_factory: Any) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("exports")
    assert first_run["release"]
    cli("export", *TENANT, "--config", simulator.config_path, "--to", folder)
    return {path.name: json.loads(path.read_text()) for path in folder.iterdir()}


def test_exactly_the_waste_of_the_estate_is_found(simulator: Simulator, exported: dict[str, Any]) -> None:
    assert found(exported["findings.json"]["findings"]) == sorted(simulator.expected)


def test_everything_planned_was_read_and_nothing_rejected(first_run: dict[str, Any], exported: dict[str, Any]) -> None:
    assert set(first_run["units"]) == {"ok"}
    assert first_run["units"]["ok"] == len(ACCOUNTS) * 4 + 4
    assert (first_run["findings"], first_run["rejected"]) == (len(exported["findings.json"]["findings"]), 0)
    assert {"plan", "scan", "bills", "correlate", "attribute", "lifecycle", "kpis", "publish"} == set(
        first_run["seconds"]
    )


def billed(simulator: Simulator) -> Decimal:
    """Add up the bill's files in plain Python."""
    files = sorted((simulator.config_path.parent / "bills").rglob("*.parquet"))
    return sum(
        (Decimal(str(cost)) for file in files for cost in pq.read_table(file)["line_item_unblended_cost"].to_pylist()),
        Decimal(0),
    )


def test_the_bill_is_loaded_to_the_last_digit(simulator: Simulator, first_run: dict[str, Any]) -> None:
    total = billed(simulator)
    assert sum(Decimal(each["unblended"]) for each in first_run["bills"]["totals"]) == total
    assert abs(total - bill_total(simulator.estate)) < Decimal("0.000001")  # its lines are rounded, one by one


def test_every_provider_has_findings_with_estimated_cost_and_aws_with_actual(exported: dict[str, Any]) -> None:
    summary = exported["summary.json"]
    assert set(summary["by_provider"]) == {"aws", "azure", "gcp"}
    assert Decimal(summary["estimated"]["net"]) > 0
    assert Decimal(summary["actual"]["cost_30d"]) > 0
    rows = exported["findings.json"]["findings"]
    reasons = {row["provider"]: (row["actual"]["method"], row["actual"]["reason"]) for row in rows}
    assert reasons["azure"] == reasons["gcp"] == ("none", "no_cur")
    assert all(row["actual"]["method"] != "none" for row in rows if row["provider"] == "aws")


def test_net_savings_never_exceed_what_the_resources_cost(exported: dict[str, Any]) -> None:
    for row in exported["findings.json"]["findings"]:
        if row["savings"]["net"] is None:
            assert row["savings"]["reason"]
            continue
        cost = row["actual"]["cost_30d"] or row["estimated"]["monthly_cost"]
        assert Decimal(row["savings"]["net"]) <= Decimal(cost)
    total = sum(Decimal(row["savings"]["net"] or 0) for row in exported["findings.json"]["findings"])
    assert total == Decimal(exported["summary.json"]["estimated"]["net"])


def test_both_correlations_are_found_with_their_sources(exported: dict[str, Any]) -> None:
    rows = exported["correlated_findings.json"]["correlated_findings"]
    known = {row["fingerprint"] for row in exported["findings.json"]["findings"]}
    assert {row["check_id"] for row in rows} == {"correlation.stopped_instance", "correlation.volume_with_snapshots"}
    assert all(len(row["source_fingerprints"]) > 1 and set(row["source_fingerprints"]) <= known for row in rows)


def test_the_same_release_exports_the_same_bytes(
    simulator: Simulator, cli: Any, first_run: Any, tmp_path: Path
) -> None:
    assert first_run
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        cli("export", *TENANT, "--config", simulator.config_path, "--to", folder)
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two
    assert set(one) == {
        "findings.json", "summary.json", "top_savings.json", "correlated_findings.json", "coverage.json",
    }  # fmt: skip


def test_findings_ls_prints_the_exported_list(simulator: Simulator, cli: Any, exported: dict[str, Any]) -> None:
    listed = cli.json("findings", "ls", *TENANT, "--config", simulator.config_path)
    assert listed == exported["findings.json"]["findings"]


def test_explain_tells_the_story_of_a_finding(simulator: Simulator, cli: Any, exported: dict[str, Any]) -> None:
    row = next(row for row in exported["findings.json"]["findings"] if row["actual"]["method"] == "exact")
    story = cli("explain", row["finding_id"], *TENANT, "--config", simulator.config_path)
    assert row["check_id"] in story
    assert row["resource_id"] in story


def test_costs_show_says_what_the_finding_says(simulator: Simulator, cli: Any, exported: dict[str, Any]) -> None:
    row = next(row for row in exported["findings.json"]["findings"] if row["actual"]["method"] == "normalized_arn")
    told = cli.json("costs", "show", *TENANT, "--config", simulator.config_path, "--resource", row["resource_id"])
    assert told["windows"] == {name: row["actual"][name] for name in told["windows"]}
    assert (told["method"], told["confidence"]) == (row["actual"]["method"], row["actual"]["confidence"])


def test_a_second_run_finds_the_same_and_none_twice(simulator: Simulator, cli: Any, exported: dict[str, Any]) -> None:
    cli.json("run", *TENANT, "--config", simulator.config_path, *AS_OF, "--inline")
    again = cli.json("findings", "ls", *TENANT, "--config", simulator.config_path)
    before = exported["findings.json"]["findings"]
    assert found(again) == found(before)
    assert [row["fingerprint"] for row in again] == [row["fingerprint"] for row in before]
    assert [row["savings"] for row in again] == [row["savings"] for row in before]


def test_a_run_is_verified_by_its_name_and_an_unknown_one_is_a_usage_error(
    simulator: Simulator, cli: Any, first_run: dict[str, Any]
) -> None:
    config = ("--config", simulator.config_path)
    assert cli("verify", first_run["run_id"], *config).splitlines()[-1] == "all equal"
    assert "there is no one release of a run nope" in cli("verify", "nope", *config, code=2)


def test_two_runs_of_the_same_estate_differ_in_nothing(simulator: Simulator, cli: Any, exported: Any) -> None:
    document = cli.json("diff", *TENANT, "--config", simulator.config_path)
    assert (document["new"], document["resolved"], document["changed"]) == ([], [], [])
    assert document["earlier"]["release"] == exported["summary.json"]["release"] != document["release"]


def test_the_doctor_finds_nothing_missing(simulator: Simulator, cli: Any) -> None:
    conditions = cli.json("doctor", "--config", simulator.config_path)
    assert [each for each in conditions if not each["holds"]] == []


def configured(simulator: Simulator, folder: Path, change: Callable[[str], str]) -> Path:
    """Write the simulator's configuration changed into another folder, which then has a catalog of its own."""
    path = folder / "finops.toml"
    path.write_text(change(simulator.config_path.read_text()))
    return path


def test_without_any_bill_findings_stay_estimated_and_say_why(simulator: Simulator, cli: Any, tmp_path: Path) -> None:
    config = configured(simulator, tmp_path, lambda text: text.partition("  [[tenants.bills]]")[0])
    result = cli.json("run", *TENANT, "--config", config, *AS_OF, "--inline")
    rows = cli.json("findings", "ls", *TENANT, "--config", config)
    assert result["bills"] is None
    assert found(rows) == sorted(simulator.expected)
    assert {(row["actual"]["method"], row["actual"]["reason"], row["actual"]["cost_30d"]) for row in rows} == {
        ("none", "no_cur", None)
    }


def test_a_broken_bill_is_named_and_the_others_load(simulator: Simulator, cli: Any, tmp_path: Path) -> None:
    bills = tmp_path / "bills"
    bills.mkdir()
    for path in (simulator.config_path.parent / "bills").rglob("*.parquet"):
        (bills / path.name).write_bytes(path.read_bytes())
    (bills / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    config = configured(simulator, tmp_path, lambda text: text)
    result = cli.json("run", *TENANT, "--config", config, *AS_OF, "--inline")
    errors = {Path(each["path"]).name: each["error"] for each in result["bills"]["files"]}
    assert errors.pop("broken.parquet")
    assert set(errors.values()) == {None}
    assert sum(Decimal(each["unblended"]) for each in result["bills"]["totals"]) == billed(simulator)


def test_an_unknown_key_stops_the_run_before_it_starts(simulator: Simulator, finops: Any, tmp_path: Path) -> None:
    config = configured(simulator, tmp_path, lambda text: text.replace("external_id", "externalid"))
    message = finops(simulator.child_environment())("run", *TENANT, "--config", config, code=2)
    assert str(config) in message
    assert "externalid" in message
    assert "external_id" in message
    assert not (tmp_path / ".finops").exists()
