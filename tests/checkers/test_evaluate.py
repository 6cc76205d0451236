"""Running one check: verdicts are counted, findings become drafts, a broken rule is its own failure."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from checkers.aws.ebs.unattached_volume import CHECK
from checkers.base import Context
from checkers.evaluate import Judged, evaluate
from contracts.errors import CheckError
from contracts.tables import DRAFT_SCHEMA


def rows(judge: Any) -> list[dict[str, Any]]:
    old = {"volume_type": "gp3", "size_gib": 10, "state": "available", "created_at": judge.days_ago(20)}
    return [
        {"id": "vol-1", **old},
        {"id": "vol-2", **old, "tags": {"CSIVolumeName": "x"}},
        {"id": "vol-3", **old, "state": "in-use", "attached_to": "i-1"},
        {"id": "vol-4", **old, "unit_id": "acme/prod/aws/111111111111/eu-west-1"},
    ]


def judged(judge: Any, rule: Callable[..., pl.LazyFrame] = CHECK.judge) -> Judged:
    check = dataclasses.replace(CHECK, judge=rule)
    return evaluate(check, judge.frames(check, rows(judge)), judge.ctx)


def test_a_finding_becomes_a_draft_with_the_words_of_its_check(judge: Any) -> None:
    drafts = judged(judge).drafts.sort("unit_id", descending=True)
    assert drafts.schema == DRAFT_SCHEMA
    assert drafts["resource_id"].to_list() == ["vol-1", "vol-4"]
    assert drafts.select("check_id", "title", "category", "service", "check_version").row(0) == (
        CHECK.id, CHECK.title, CHECK.category, CHECK.service, CHECK.version,
    )  # fmt: skip


def test_verdicts_are_counted_per_unit_and_reason(judge: Any) -> None:
    home, other = "acme/prod/aws/111111111111/us-east-1", "acme/prod/aws/111111111111/eu-west-1"
    assert sorted(judged(judge).verdicts.rows(), key=str) == [
        (other, "finding", None, 1),
        (home, "finding", None, 1),
        (home, "not_applicable", "system_owned", 1),
        (home, "ok", None, 1),
    ]


def test_resources_of_which_the_check_could_not_tell_are_named(judge: Any) -> None:
    def rule(volumes: pl.LazyFrame, params: Any, ctx: Context) -> pl.LazyFrame:
        claims = CHECK.judge(volumes, params=params, ctx=ctx)
        unknown = pl.col("resource_id") == "vol-3"
        return claims.with_columns(
            verdict=pl.when(unknown).then(pl.lit("undetermined")).otherwise("verdict"),
            reason=pl.when(unknown).then(pl.lit("age_unknown")).otherwise("reason"),
        )

    assert judged(judge, rule).undetermined.rows() == [("acme/prod/aws/111111111111/us-east-1", "vol-3")]


def test_evidence_is_json_with_sorted_keys_and_decimals_as_strings(judge: Any) -> None:
    def rule(volumes: pl.LazyFrame, params: Any, ctx: Context) -> pl.LazyFrame:
        evidence = pl.struct(a=pl.lit("0.1000").cast(pl.Decimal(38, 4)), b=pl.lit("10").cast(pl.Decimal(38, 4)), c=1)
        return CHECK.judge(volumes, params=params, ctx=ctx).with_columns(evidence=evidence)

    assert judged(judge, rule).drafts["evidence"][0] == '{"a":"0.1","b":"10","c":1}'
    keys = list(json.loads(judged(judge).drafts["evidence"][0]))
    assert keys == sorted(keys)


def test_a_rule_that_raises_is_a_check_error(judge: Any) -> None:
    def rule(volumes: pl.LazyFrame, params: Any, ctx: Context) -> pl.LazyFrame:  # noqa: ARG001 - the shape of a judge
        message = "no such thing"
        raise KeyError(message)

    with pytest.raises(CheckError, match=r"aws\.ebs\.unattached_volume failed: KeyError: 'no such thing'"):
        judged(judge, rule)


def test_a_rule_that_fails_only_when_collected_is_a_check_error_too(judge: Any) -> None:
    with pytest.raises(CheckError, match="ColumnNotFoundError"):
        judged(judge, lambda volumes, params, ctx: volumes.select("nope"))  # noqa: ARG005 - the shape of a judge


def test_a_rule_has_to_judge_every_resource_once(judge: Any) -> None:
    def twice(volumes: pl.LazyFrame, params: Any, ctx: Context) -> pl.LazyFrame:
        claims = CHECK.judge(volumes, params=params, ctx=ctx)
        return pl.concat([claims, claims])

    with pytest.raises(CheckError, match="8 verdicts for 4 resources"):
        judged(judge, twice)


def test_a_rule_without_verdicts_is_a_check_error(judge: Any) -> None:
    with pytest.raises(CheckError, match="verdict"):
        judged(judge, lambda volumes, **context: CHECK.judge(volumes, **context).drop("verdict"))


def test_a_rule_that_looks_at_rows_when_it_is_asked_is_a_check_error(judge: Any) -> None:
    def rule(volumes: pl.LazyFrame, params: Any, ctx: Context) -> pl.LazyFrame:
        return CHECK.judge(volumes.collect().lazy(), params=params, ctx=ctx)

    with pytest.raises(CheckError, match="asked before there are rows"):
        judged(judge, rule)


def test_a_rule_is_asked_once_and_answers_for_whatever_it_is_given(judge: Any) -> None:
    asked = []

    def rule(volumes: pl.LazyFrame, params: Any, ctx: Context) -> pl.LazyFrame:
        asked.append(params)
        return CHECK.judge(volumes, params=params, ctx=ctx)

    check = dataclasses.replace(CHECK, judge=rule)
    given = [[], rows(judge), rows(judge)[:1], rows(judge)[1:3]]
    drafts = [evaluate(check, judge.frames(check, each), judge.ctx).drafts.height for each in given]
    assert (drafts, len(asked)) == ([0, 2, 1, 0], 1)
