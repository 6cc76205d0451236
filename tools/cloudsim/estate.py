"""The estate as a whole: what is in it at a logical time, and what of that is waste."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from tools.cloudsim import aws_estate, azure_estate, gcp_estate
from tools.cloudsim.resources import Resource

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)  # the demo's logical time, a constant so that two demos are one
R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Estate:
    """All resources of the three clouds as they stand at `as_of`."""

    as_of: datetime
    resources: tuple[Resource, ...]

    def all(self, kind: type[R]) -> list[R]:
        """Return the resources of one kind, in the order they were described."""
        return [resource for resource in self.resources if isinstance(resource, kind)]


def build_estate(as_of: datetime = AS_OF) -> Estate:
    """Describe the estate; the same `as_of` gives the same estate.

    Ages count back from `as_of`. Raises ValueError when two resources have one key.
    """
    resources = (*aws_estate.resources(as_of), *azure_estate.resources(as_of), *gcp_estate.resources(as_of))
    twice = [key for key, times in Counter(resource.key for resource in resources).items() if times > 1]
    if twice:
        raise ValueError(f"keys of several resources: {twice}")
    return Estate(as_of, resources)


def expected_findings(estate: Estate) -> set[tuple[str, str, str]]:
    """Return what a scan has to find, no more and no less: (check id, account id, resource key)."""
    return {(check, resource.account_id, resource.key) for resource in estate.resources for check in resource.waste}
