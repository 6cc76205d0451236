"""Every benchmark runs at a tiny size and its subject gives the floor's answer; no time is asserted."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.tables import DRAFT_SCHEMA
from engine.cluster import cluster
from tools.stress.bench import BENCHMARKS, grid, machine
from tools.stress.benchmarks.contract import STAMP
from tools.stress.benchmarks.floor import compare
from tools.stress.benchmarks.reference import reference, seal_one
from tools.stress.drafts import drafts
from tools.stress.runs import WORKERS

TINY = 1_000


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    with cluster("local", WORKERS):
        yield


@pytest.mark.parametrize(
    "name", ["contract", "reference", "write", "jobs", "costs", pytest.param("pipeline", marks=pytest.mark.slow)]
)
@pytest.mark.usefixtures("ray_cluster")  # `pipeline` does without starting one of its own
def test_subject_and_floor_give_the_same_answer(name: str) -> None:
    figures = BENCHMARKS[name](TINY, 1)
    assert [figure.name for figure in figures if not figure.agrees] == []
    assert all(figure.peak_rss_bytes > 0 and figure.n > 0 for figure in figures)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_two_workers_find_what_one_process_finds() -> None:
    (figure,) = BENCHMARKS["ray"](TINY, 1)  # `resume` is what the stress engine's test does
    assert figure.agrees
    assert figure.at_least


@pytest.mark.slow
def test_scaling_runs_both_sizes_in_processes_of_their_own() -> None:
    seconds, rss = BENCHMARKS["scaling"](TINY, 1)
    assert seconds.agrees
    assert rss.agrees
    assert seconds.n > 5 * TINY


def test_a_seed_is_a_batch_of_the_draft_schema_with_all_three_clouds_and_many_tenants() -> None:
    batch = drafts(60_000, seed=7)
    assert batch.schema == DRAFT_SCHEMA
    assert set(batch["provider"]) == {"aws", "azure", "gcp"}
    assert batch["tenant_id"].n_unique() > 20
    assert batch["resource_id"].n_unique() == batch.height
    assert batch.equals(drafts(60_000, seed=7))
    assert not batch.equals(drafts(60_000, seed=8))


def test_the_plain_reference_refuses_what_the_contract_refuses() -> None:
    row = drafts(1).row(0, named=True)
    assert seal_one(row)["run_id"] == STAMP.run_id
    with pytest.raises(ValueError, match="severity"):
        seal_one({**row, "severity": "urgent"})


def test_a_figure_says_whether_its_target_is_reached_from_either_side() -> None:
    figure = reference(TINY, 1)[0]
    assert figure.reached == (figure.ratio >= figure.target)
    assert figure.to_json()["at_least"] is True


def test_the_ratio_is_the_median_of_neighbouring_runs(tmp_path: Path) -> None:
    subjects, floors = iter([2.0, 30.0, 4.0]), iter([1.0, 10.0, 1.0])
    figure = compare(
        "made_up", 1, lambda _: next(subjects), lambda _: next(floors), target=3, repeat=3, agrees=lambda: True
    )
    assert (figure.subject_seconds, figure.floor_seconds, figure.ratio) == (4.0, 1.0, 3.0)
    assert figure.reached
    assert list(tmp_path.iterdir()) == []


def test_memory_of_child_processes_counts() -> None:
    size = 400 * 2**20
    child = f"import sys; held = bytearray({size}); held[::4096] = b'x' * len(held[::4096]); print(); sys.stdin.read()"
    code = (
        "import subprocess, sys\n"
        "from subprocess import PIPE\n"
        "from tools.stress.benchmarks.floor import watched\n"
        "with watched() as alone:\n    pass\n"
        f"with subprocess.Popen([sys.executable, '-c', {child!r}], stdin=PIPE, stdout=PIPE) as holding:\n"
        "    holding.stdout.readline()\n"
        "    with watched() as together:\n        holding.stdin.close()\n"
        "print(together.rss_bytes - alone.rss_bytes)"
    )
    grown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert size < int(grown) < 2 * size


def test_json_names_the_machine_and_every_figure() -> None:
    command = [sys.executable, "-m", "tools.stress.bench", "contract", "--n", str(TINY), "--repeat", "1", "--json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert set(machine()) == set(report["machine"])
    assert {
        "name",
        "n",
        "subject_seconds",
        "floor_seconds",
        "ratio",
        "target",
        "rows_per_second",
        "peak_rss_bytes",
    } <= set(report["benchmarks"][0])


def test_people_see_a_row_per_figure() -> None:
    figures = BENCHMARKS["contract"](TINY, 1)
    assert grid(figures).row_count == len(figures)
