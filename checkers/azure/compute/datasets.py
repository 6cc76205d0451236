"""What the checks read of Azure compute: managed disks."""

import polars as pl

from checkers.base import TAGS, TIME, Dataset

DISKS = Dataset(
    name="azure.compute.disks",
    columns={
        "id": pl.String,  # full resource id, as delivered
        "name": pl.String,
        "tags": TAGS,
        "sku": pl.String,  # Premium_LRS, StandardSSD_ZRS, ...
        "tier": pl.String,  # P10, ...; null where the API gives none
        "size_gib": pl.Int64,
        "state": pl.String,  # diskState: Attached, Unattached, Reserved, ActiveSAS, ...
        "managed_by": pl.String,  # the machine's resource id; null when attached to nothing
        "created_at": TIME,
        "detached_at": TIME,  # LastOwnershipUpdateTime; null when it never changed hands
    },
    permissions=("Microsoft.Compute/disks/read",),
)
