"""What the checks read of Google Compute Engine: persistent disks."""

import polars as pl

from checkers.base import TAGS, TIME, Dataset

DISKS = Dataset(
    name="gcp.compute.disks",
    columns={
        "id": pl.String,  # projects/<project>/zones/<zone>/disks/<name>
        "name": pl.String,
        "tags": TAGS,  # the labels
        "disk_type": pl.String,  # pd-ssd, ...
        "size_gib": pl.Int64,
        "status": pl.String,
        "users": pl.List(pl.String),  # the instances that have it attached
        "created_at": TIME,
        "detached_at": TIME,  # lastDetachTimestamp; null when it was never attached
        "zone": pl.String,  # null for a regional disk
    },
    permissions=("compute.disks.list",),
)
