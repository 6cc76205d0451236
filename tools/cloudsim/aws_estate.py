"""The AWS part of the estate: an organization of three accounts in four regions, waste and near misses side by side."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from tools.cloudsim.resources import Address, AwsResource, Image, Instance, LoadBalancer, Snapshot, Volume

MANAGEMENT = "123456789012"  # the account that moto takes every unknown access key to be of
PAYMENTS, ANALYTICS = "222233334444", "555566667777"
ACCOUNTS = {MANAGEMENT: "acme-management", PAYMENTS: "acme-payments", ANALYTICS: "acme-analytics"}
VIRGINIA, OREGON, IRELAND, SINGAPORE = REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-1")
METRIC_DAYS = 14  # CloudWatch look-back that the idle check judges

UNATTACHED, GP2 = "aws.ebs.unattached_volume", "aws.ebs.gp2_volume"
OLD, ORPHANED = "aws.ebs.old_snapshot", "aws.ebs.orphaned_snapshot"
ADDRESS, STOPPED, IDLE = "aws.ec2.unassociated_address", "aws.ec2.stopped_instance", "aws.ec2.idle_instance"
WITHOUT_TARGETS = "aws.elb.load_balancer_without_targets"

CLUSTER_NODE = {"kubernetes.io/cluster/checkout": "owned"}
CLUSTER_VOLUME = {"ebs.csi.aws.com/cluster": "true"}
BACKUP = {"aws:backup:source-resource": "db-primary"}
BUSY_CPU, BUSY_MIB = (63.0,) * METRIC_DAYS, (5_200.0,) * METRIC_DAYS
IDLE_CPU, IDLE_MIB = (1.25,) * METRIC_DAYS, (0.5,) * METRIC_DAYS
Ago = Callable[[float], datetime]
Shared = dict[str, Any]  # fields that several resources have in common


def resources(as_of: datetime) -> Iterator[AwsResource]:
    """Yield every AWS resource; ages count back from `as_of`."""

    def ago(days: float) -> datetime:
        return as_of - timedelta(days=days)

    for account, name in ACCOUNTS.items():
        for region in REGIONS:
            yield from _healthy_server(f"{name.removeprefix('acme-')}-web-{region}", account, region, ago)
    for part in (_volumes, _snapshots, _addresses, _stopped_instances, _idle_instances, _load_balancers):
        yield from part(ago)


def _healthy_server(key: str, account: str, region: str, ago: Ago) -> Iterator[AwsResource]:
    """Yield a busy server with its disk and yesterday's snapshot of it: nothing to find."""
    place: Shared = {"account_id": account, "region": region}
    yield Instance(
        key=key, **place, tags={"team": "web"}, instance_type="m5.large", launched_at=ago(200), cpu_percent=BUSY_CPU,
        network_mib=BUSY_MIB,
    )  # fmt: skip
    yield Volume(key=f"{key}-root", **place, size_gib=30, created_at=ago(200), attached_to=key, is_root=True)
    yield Snapshot(key=f"{key}-daily", **place, volume=f"{key}-root", size_gib=30, stored_gib=9, started_at=ago(1))


def _volumes(ago: Ago) -> Iterator[AwsResource]:
    shop: Shared = {"account_id": PAYMENTS, "region": VIRGINIA}
    data: Shared = {"account_id": ANALYTICS, "region": IRELAND}
    lab: Shared = {"account_id": MANAGEMENT, "region": OREGON}
    web = "payments-web-us-east-1"
    yield Volume(key="forgotten-db", **shop, size_gib=500, created_at=ago(240), waste=(UNATTACHED,))
    for days, stored in ((180, 210), (120, 35)):
        yield Snapshot(
            key=f"forgotten-db-{days}d", **shop, volume="forgotten-db", size_gib=500, stored_gib=stored,
            started_at=ago(days), waste=(OLD,),
        )  # fmt: skip
    yield Volume(
        key="load-test-io1", **lab, size_gib=200, volume_type="io1", iops=4000, created_at=ago(75), waste=(UNATTACHED,)
    )
    yield Volume(
        key="fast-scratch", **data, size_gib=300, iops=6000, throughput_mibps=250, created_at=ago(31),
        waste=(UNATTACHED,),
    )  # fmt: skip
    yield Volume(
        key="old-and-loose", **data, size_gib=80, volume_type="gp2", created_at=ago(400), waste=(UNATTACHED, GP2)
    )
    yield Volume(key="cold-archive", **shop, size_gib=1000, volume_type="sc1", created_at=ago(14), waste=(UNATTACHED,))
    yield Volume(key="just-detached", **shop, size_gib=100, created_at=ago(13))  # a day short of the limit
    yield Volume(key="pvc-7c1f", **shop, tags=CLUSTER_VOLUME, size_gib=50, created_at=ago(90))  # a cluster's
    # gp2: small ones save; 250 GiB breaks even, as gp3 has to buy throughput; large ones save again.
    gp2: Shared = {"volume_type": "gp2", "attached_to": web}
    yield Volume(key="payments-logs", **shop, **gp2, size_gib=100, created_at=ago(300), waste=(GP2,))
    yield Volume(key="payments-even", **shop, **gp2, size_gib=250, created_at=ago(300))
    yield Volume(key="payments-ledger", **shop, **gp2, size_gib=2000, created_at=ago(300), waste=(GP2,))
    yield Volume(key="pvc-91aa", **shop, **gp2, tags=CLUSTER_VOLUME, size_gib=100, created_at=ago(40))
    yield Volume(
        key="warehouse-stage", **data, size_gib=600, volume_type="gp2", created_at=ago(21),
        attached_to="analytics-web-eu-west-1", waste=(GP2,),
    )  # fmt: skip


def _snapshots(ago: Ago) -> Iterator[AwsResource]:
    shop: Shared = {"account_id": PAYMENTS, "region": IRELAND}
    data: Shared = {"account_id": ANALYTICS, "region": OREGON}
    root, data_root = "payments-web-eu-west-1-root", "analytics-web-us-west-2-root"
    yield Snapshot(
        key="before-upgrade", **shop, volume=root, size_gib=30, stored_gib=11, started_at=ago(90), waste=(OLD,)
    )
    yield Snapshot(key="quarter-end", **shop, volume=root, size_gib=30, stored_gib=4, started_at=ago(89))  # a day short
    yield Snapshot(
        key="audit-2024", **shop, volume=None, size_gib=1000, stored_gib=640, started_at=ago(700),
        storage_tier="archive", waste=(OLD, ORPHANED),
    )  # fmt: skip
    yield Snapshot(
        key="dropped-cluster", **data, volume=None, size_gib=400, stored_gib=150, started_at=ago(60), waste=(ORPHANED,)
    )
    yield Snapshot(
        key="dropped-lab", **data, volume=None, size_gib=20, stored_gib=8, started_at=ago(3), waste=(ORPHANED,)
    )
    yield Snapshot(key="dropped-today", **data, volume=None, size_gib=64, stored_gib=20, started_at=ago(2))
    yield Snapshot(
        key="backup-vault", **data, tags=BACKUP, volume=data_root, size_gib=30, stored_gib=10, started_at=ago(365)
    )
    # An image needs its snapshot, however old.
    yield Snapshot(key="golden-disk", **data, volume=None, size_gib=15, stored_gib=6, started_at=ago(410))
    yield Image(key="golden-image", **data, snapshot="golden-disk", created_at=ago(410))


def _addresses(ago: Ago) -> Iterator[AwsResource]:
    shop: Shared = {"account_id": PAYMENTS, "region": SINGAPORE}
    lab: Shared = {"account_id": MANAGEMENT, "region": VIRGINIA}
    yield Address(key="old-vpn-1", **shop, allocated_at=ago(500), waste=(ADDRESS,))
    yield Address(key="old-vpn-2", **shop, allocated_at=ago(500), waste=(ADDRESS,))
    yield Address(key="demo-endpoint", **lab, allocated_at=ago(40), waste=(ADDRESS,))
    yield Address(key="ingress-reserved", **lab, tags=CLUSTER_NODE, allocated_at=ago(80))
    yield Address(key="web-endpoint", **shop, allocated_at=ago(200), attached_to="payments-web-ap-southeast-1")


def _stopped_instances(ago: Ago) -> Iterator[AwsResource]:
    shop: Shared = {"account_id": PAYMENTS, "region": OREGON}
    lab: Shared = {"account_id": MANAGEMENT, "region": IRELAND}
    yield Instance(
        key="migration-host", **shop, instance_type="c5.xlarge", launched_at=ago(300), stopped_at=ago(120),
        waste=(STOPPED,),
    )  # fmt: skip
    on_host: Shared = {"attached_to": "migration-host", "created_at": ago(300)}
    yield Volume(key="migration-root", **shop, **on_host, size_gib=50, is_root=True)
    yield Volume(key="migration-data", **shop, **on_host, size_gib=750, volume_type="gp2", waste=(GP2,))
    yield Address(key="migration-ip", **shop, allocated_at=ago(300), attached_to="migration-host")
    for key, days in (("demo-box", 30), ("bastion", 29)):  # the limit, and a day short of it
        yield Instance(
            key=key, **lab, instance_type="t3.medium", launched_at=ago(150), stopped_at=ago(days),
            waste=(STOPPED,) if key == "demo-box" else (),
        )  # fmt: skip
        yield Volume(key=f"{key}-root", **lab, size_gib=40, created_at=ago(150), attached_to=key, is_root=True)
    yield Instance(
        key="paused-node", **lab, tags=CLUSTER_NODE, instance_type="t3.medium", launched_at=ago(200), stopped_at=ago(90)
    )
    yield Volume(
        key="paused-node-root", **lab, tags=CLUSTER_VOLUME, size_gib=20, created_at=ago(200),
        attached_to="paused-node", is_root=True,
    )  # fmt: skip


def _idle_instances(ago: Ago) -> Iterator[AwsResource]:
    quiet: Shared = {"cpu_percent": IDLE_CPU, "network_mib": IDLE_MIB}
    at_limit: Shared = {"cpu_percent": (5.0,) * METRIC_DAYS, "network_mib": (5.0,) * METRIC_DAYS}
    once_busy: Shared = {"cpu_percent": (*IDLE_CPU[1:], 5.5), "network_mib": IDLE_MIB}
    once_loud: Shared = {"cpu_percent": IDLE_CPU, "network_mib": (6.0, *IDLE_MIB[1:])}
    few_days: Shared = {"cpu_percent": IDLE_CPU[:6], "network_mib": IDLE_MIB[:6]}
    servers = (
        Instance(key="idle-builder", account_id=ANALYTICS, region=VIRGINIA, instance_type="c5.xlarge",
                 launched_at=ago(180), **quiet, waste=(IDLE,)),
        Instance(key="idle-reports", account_id=ANALYTICS, region=IRELAND, instance_type="m5.large",
                 launched_at=ago(90), savings_plan=True, **quiet, waste=(IDLE,)),
        Instance(key="idle-at-limit", account_id=PAYMENTS, region=SINGAPORE, instance_type="t3.medium",
                 launched_at=ago(60), **at_limit, waste=(IDLE,)),
        Instance(key="once-busy", account_id=PAYMENTS, region=VIRGINIA, instance_type="t3.medium",
                 launched_at=ago(60), **once_busy),
        Instance(key="once-loud", account_id=MANAGEMENT, region=SINGAPORE, instance_type="t3.medium",
                 launched_at=ago(60), **once_loud),
        Instance(key="new-and-quiet", account_id=ANALYTICS, region=OREGON, instance_type="t3.medium",
                 launched_at=ago(10), **quiet),
        Instance(key="few-datapoints", account_id=ANALYTICS, region=SINGAPORE, instance_type="t3.medium",
                 launched_at=ago(70), **few_days),
        Instance(key="spare-node", account_id=PAYMENTS, region=VIRGINIA, tags=CLUSTER_NODE, instance_type="m5.large",
                 launched_at=ago(50), **quiet),
    )  # fmt: skip
    for server in servers:
        yield server
        yield Volume(
            key=f"{server.key}-root", account_id=server.account_id, region=server.region, size_gib=20,
            created_at=server.launched_at, attached_to=server.key, is_root=True,
        )  # fmt: skip


def _load_balancers(ago: Ago) -> Iterator[AwsResource]:
    shop: Shared = {"account_id": PAYMENTS, "region": VIRGINIA}
    data: Shared = {"account_id": ANALYTICS, "region": IRELAND}
    stream: Shared = {"account_id": ANALYTICS, "region": VIRGINIA}
    waste = (WITHOUT_TARGETS,)
    yield LoadBalancer(key="shop-front", **shop, created_at=ago(200), targets=("payments-web-us-east-1", "once-busy"))
    yield LoadBalancer(key="black-friday", **shop, created_at=ago(340), waste=waste)
    yield LoadBalancer(key="old-gateway", **data, created_at=ago(90), has_target_group=False, waste=waste)
    yield LoadBalancer(key="stream-in", **stream, created_at=ago(1), lb_type="network", waste=waste)
    yield LoadBalancer(key="rolling-out", **data, created_at=ago(0.5))  # half a day old: its targets may still come
    yield LoadBalancer(key="k8s-checkout", **shop, tags=CLUSTER_NODE, created_at=ago(30), has_target_group=False)
