"""What a running simulation hands out: the configuration it wrote, and what it expects to be found."""

from pathlib import Path

from engine.config import load
from tools.cloudsim.aws_estate import REGIONS
from tools.cloudsim.azure_estate import SUBSCRIPTIONS
from tools.cloudsim.gcp_estate import PROJECTS
from tools.cloudsim.simulator import Simulator


def test_the_engine_reads_the_configuration_it_writes(simulator: Simulator) -> None:
    tenant = load(simulator.config_path).tenant("acme", "prod")
    assert tenant.aws is not None
    assert tenant.aws.organization
    assert tenant.aws.role == "arn:aws:iam::{account}:role/finops-read"
    assert tenant.aws.regions == REGIONS
    assert tenant.azure is not None
    assert tenant.azure.subscriptions == SUBSCRIPTIONS
    assert tenant.gcp is not None
    assert tenant.gcp.projects == PROJECTS
    assert sorted(path.name for path in Path(tenant.bills[0].path).iterdir()) == [
        "cur-2026-09.parquet", "cur-2026-10.parquet",
    ]  # fmt: skip


def test_what_is_expected_carries_the_ids_that_a_scan_will_see(simulator: Simulator) -> None:
    expected = {check: resource for check, _, resource in sorted(simulator.expected)}
    assert len(simulator.expected) == sum(len(each.waste) for each in simulator.estate.resources)
    assert expected["aws.ebs.unattached_volume"].startswith("vol-")
    assert expected["aws.elb.load_balancer_without_targets"].startswith("arn:aws:elasticloadbalancing:")
    assert expected["azure.compute.unattached_disk"].startswith("/subscriptions/9b7d4e02")
    assert expected["gcp.compute.unattached_disk"].startswith("projects/acme-")
