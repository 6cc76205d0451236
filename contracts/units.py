"""The unit of scanning: one (tenant, workspace, provider, account, region), and the names allowed in it."""

import re
from dataclasses import dataclass

PROVIDERS = ("aws", "azure", "gcp")
GLOBAL = "global"  # the region of a unit whose APIs list a whole account in one call (Azure, GCP)
TENANT_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")  # safe in paths and URLs: no dots, slashes or upper case
UNIT_KEY = ("tenant_id", "workspace", "provider", "account_id", "region", "unit_id")


def is_tenant_id(value: str) -> bool:
    """Say whether a name may be a tenant or workspace id: 2 to 63 of a-z, 0-9 and hyphen."""
    return TENANT_ID.fullmatch(value) is not None


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """What is scanned, retried and reported as one."""

    tenant_id: str
    workspace: str
    provider: str
    account_id: str
    region: str

    @property
    def unit_id(self) -> str:
        """Readable and unique inside a run; none of its parts can hold a slash."""
        return f"{self.tenant_id}/{self.workspace}/{self.provider}/{self.account_id}/{self.region}"
