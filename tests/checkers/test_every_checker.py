"""What holds for every checker, found by walking the folder; a new checker needs no edit here."""

import dataclasses
import inspect
import re
import sys
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from checkers.base import Check, Dataset
from checkers.evaluate import evaluate
from checkers.registry import all_checks
from contracts.seal import RunStamp, seal
from contracts.tables import DRAFT_SCHEMA
from contracts.vocabulary import ACTIONS, CATEGORIES, CONFIDENCES, EFFORTS, RISKS, SEVERITIES, VERDICTS

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
HEADINGS = ["Why", "Claims", "Skips", "Reads", "Pricing", "Docs"]
CHECKS = pytest.mark.parametrize("check", all_checks().values(), ids=all_checks())

# What a column may hold, where any value of its type would leave most rules untouched. Ids come from small pools, so
# that resources refer to each other.
WORDS = {
    "aws.ec2.volumes.state": ["available", "in-use", "creating"],
    "aws.ec2.snapshots.state": ["completed", "pending"],
    "aws.ec2.instances.state": ["running", "stopped", "terminated"],
    "aws.elbv2.load_balancers.state": ["active", "provisioning"],
    "azure.compute.disks.state": ["Unattached", "Attached", "ActiveSAS"],
    "gcp.compute.disks.status": ["READY", "CREATING"],
    "volume_type": ["gp2", "gp3", "io1", "io2", "standard"],
    "storage_tier": ["standard", "archive"],
    "instance_type": ["m5.large", "z9.huge"],
    "platform": ["linux", "windows"],
    "lb_type": ["application", "network", "gateway"],
    "sku": ["Premium_LRS", "StandardSSD_ZRS", "Standard_LRS", "UltraSSD_LRS"],
    "tier": ["P10"],
    "disk_type": ["pd-ssd", "pd-extreme", "hyperdisk-balanced"],
    "region": ["us-east-1", "eastus", "us-central1", "mars-north-1"],
}
IDS = [f"r-{n}" for n in range(12)]


def value(dataset: Dataset, name: str, dtype: pl.DataType, random: Random) -> Any:
    """Draw what a column may hold: one value in eight is null, of references to other resources every second."""
    words = WORDS.get(f"{dataset.name}.{name}", WORDS.get(name))
    if random.random() < (1 / 8 if words or dtype != pl.String else 1 / 2):
        return None
    if dtype == pl.String:
        return random.choice(words or IDS)
    if isinstance(dtype, pl.Datetime):
        return AS_OF - timedelta(days=random.randrange(200))
    return {
        pl.Int64: lambda: random.choice([0, 1, 100, 1024, 70_000]),
        pl.Float64: lambda: random.choice([0.0] * 40 + [1e9]),
        pl.Boolean: lambda: random.random() < 1 / 2,
        pl.List: lambda: random.sample(IDS, 2),
        pl.Map: lambda: {random.choice(["Name", "Team", "Owner", "Env", "CSIVolumeName"]): "x"},
    }[dtype.base_type()]()


def estate(dataset: Dataset, random: Random) -> list[dict[str, Any]]:
    """Draw up to forty rows of an inventory in two accounts, each resource once; of metrics, many days of each."""
    drawn = {}
    for _ in range(random.randrange(600 if dataset.of else 40)):
        account = random.choice(["111111111111", "222222222222"])
        row = {name: value(dataset, name, dtype, random) for name, dtype in dataset.columns.items() if dtype != pl.Date}
        row |= {"account_id": account, "unit_id": f"acme/prod/{account}", "id": random.choice(IDS)}
        row["region"] = random.choice(WORDS["region"])
        day = {"day": AS_OF.date() - timedelta(days=random.randrange(20))} if "day" in dataset.columns else {}
        drawn[account, row["id"], str(day)] = row | day
    return list(drawn.values())


@CHECKS
def test_its_id_is_its_path_and_its_judge_bears_its_name(check: Check) -> None:
    module = sys.modules[f"checkers.{check.id}"]
    assert module.CHECK is check
    assert check.judge.__name__ == check.id.rpartition(".")[2]
    assert {dataset.provider for dataset in check.reads} == {check.id.partition(".")[0]}


@CHECKS
def test_its_docstring_has_the_fixed_headings_and_names_what_it_reads(check: Check) -> None:
    text = inspect.getdoc(sys.modules[f"checkers.{check.id}"])
    assert re.findall(r"^(\w+) {2,}\S", text, flags=re.MULTILINE) == HEADINGS
    reads = text.partition("\nReads")[2].partition("\nPricing")[0]
    for dataset in check.reads:
        assert dataset.name in reads
        assert all(permission.rpartition(":")[2] in reads for permission in dataset.permissions)
    assert re.search(r"^Docs +https://\S+$", text, flags=re.MULTILINE)


@CHECKS
def test_its_parameters_are_a_documented_frozen_dataclass(check: Check) -> None:
    kind = type(check.params)
    assert kind.__dataclass_params__.frozen
    assert all(field.name in kind.__doc__ for field in dataclasses.fields(kind))


@CHECKS
def test_its_words_are_those_of_the_vocabulary(check: Check) -> None:
    assert check.category in CATEGORIES
    assert check.severity in SEVERITIES
    assert check.confidence in CONFIDENCES
    assert check.effort in EFFORTS
    assert check.risk in RISKS


@CHECKS
def test_empty_in_is_empty_out(check: Check, judge: Any) -> None:
    frames = judge.frames(check, *([] for _ in check.reads))
    judged = evaluate(check, frames, judge.ctx)
    assert (judged.drafts.height, judged.verdicts.height) == (0, 0)
    assert judged.drafts.schema == DRAFT_SCHEMA
    assert check.judge(*(each.lazy() for each in frames.values()), check.params, judge.ctx).collect().is_empty()


@CHECKS
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_every_resource_gets_one_verdict_and_every_finding_can_be_sealed(check: Check, judge: Any, seed: int) -> None:
    random = Random(seed)
    frames = judge.frames(check, *(estate(dataset, random) for dataset in check.reads))
    first = frames[check.reads[0].name]
    judged = evaluate(check, frames, judge.ctx)
    assert judged.verdicts["resources"].sum() == first.height
    assert set(judged.verdicts["verdict"]) <= set(VERDICTS)
    with_reason = judged.verdicts["verdict"].is_in(["not_applicable", "undetermined"])
    assert judged.verdicts["reason"].is_not_null().equals(with_reason)
    assert set(judged.drafts["action_kind"]) <= set(ACTIONS)
    sealed = seal(judged.drafts, RunStamp("run-1", AS_OF))
    assert (sealed.rejected.height, sealed.duplicates.height) == (0, 0), sealed.rejected["reasons"].to_list()


@CHECKS
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_shuffled_in_is_the_same_out(check: Check, judge: Any, seed: int) -> None:
    random = Random(seed)
    frames = judge.frames(check, *(estate(dataset, random) for dataset in check.reads))
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=seed) for name, frame in frames.items()}
    one, two = evaluate(check, frames, judge.ctx), evaluate(check, shuffled, judge.ctx)
    assert_frame_equal(one.drafts.sort("unit_id", "resource_id"), two.drafts.sort("unit_id", "resource_id"))
    assert_frame_equal(one.verdicts, two.verdicts, check_row_order=False)


@CHECKS
def test_small_uneven_chunks_make_no_difference(check: Check, judge: Any) -> None:
    frames = judge.frames(check, *(estate(dataset, Random(11)) for dataset in check.reads))
    chunked = {name: pl.concat([frame[:2], frame[2:3], frame[3:]], rechunk=False) for name, frame in frames.items()}
    one, two = evaluate(check, frames, judge.ctx), evaluate(check, chunked, judge.ctx)
    assert_frame_equal(one.drafts.sort("unit_id", "resource_id"), two.drafts.sort("unit_id", "resource_id"))
