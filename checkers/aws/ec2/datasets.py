"""What the checks read of Amazon EC2: volumes, snapshots, images, addresses and instances."""

import polars as pl

from checkers.base import TAGS, TIME, Dataset

VOLUMES = Dataset(
    name="aws.ec2.volumes",
    columns={
        "id": pl.String,
        "name": pl.String,  # the Name tag; null when there is none
        "tags": TAGS,
        "volume_type": pl.String,
        "size_gib": pl.Int64,
        "iops": pl.Int64,  # provisioned (io1, io2, gp3) or the baseline (gp2); null where the API gives none
        "throughput_mibps": pl.Int64,  # gp3 only
        "state": pl.String,
        "attached_to": pl.String,  # instance id; null when attached to nothing
        "created_at": TIME,
        "encrypted": pl.Boolean,
        "snapshot_id": pl.String,  # the snapshot it was made from; null for an empty volume
    },
    permissions=("ec2:DescribeVolumes",),
)

SNAPSHOTS = Dataset(
    name="aws.ec2.snapshots",
    columns={
        "id": pl.String,
        "name": pl.String,  # the Name tag; null when there is none
        "tags": TAGS,
        "volume_id": pl.String,  # vol-ffffffff when the snapshot is a copy
        "size_gib": pl.Int64,  # of the volume, not of the blocks stored
        "storage_tier": pl.String,  # standard or archive
        "state": pl.String,
        "started_at": TIME,
        "description": pl.String,
    },
    permissions=("ec2:DescribeSnapshots",),
)

IMAGES = Dataset(
    name="aws.ec2.images",
    columns={
        "id": pl.String,
        "name": pl.String,
        "tags": TAGS,
        "state": pl.String,
        "created_at": TIME,
        "snapshot_ids": pl.List(pl.String),  # the snapshots of its block devices
    },
    permissions=("ec2:DescribeImages",),
)

ADDRESSES = Dataset(
    name="aws.ec2.addresses",
    columns={
        "id": pl.String,  # allocation id; the public address itself when it has none
        "name": pl.String,
        "tags": TAGS,
        "public_ip": pl.String,
        "association_id": pl.String,  # null when associated with nothing
        "instance_id": pl.String,
        "network_interface_id": pl.String,
    },
    permissions=("ec2:DescribeAddresses",),
)

INSTANCES = Dataset(
    name="aws.ec2.instances",
    columns={
        "id": pl.String,
        "name": pl.String,
        "tags": TAGS,
        "instance_type": pl.String,
        "platform": pl.String,  # linux, windows, rhel, suse, ... from PlatformDetails
        "state": pl.String,
        "launched_at": TIME,  # of the last start, not of the first
        "stopped_at": TIME,  # from StateTransitionReason; null when that does not say
        "volume_ids": pl.List(pl.String),
        "architecture": pl.String,
        "tenancy": pl.String,  # default, dedicated, host
        "lifecycle": pl.String,  # spot, scheduled, capacity-block; null for on demand
    },
    permissions=("ec2:DescribeInstances",),
)
