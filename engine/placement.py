"""Which writer holds which unit: tenants by rendezvous hash, a huge tenant over several writers."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

UNITS_PER_WRITER = 200  # a tenant with more units than this is spread over a second writer, and so on


def placement(units: Sequence[str], tenant_units: Mapping[str, int], writers: int) -> dict[int, list[str]]:
    """Place the units of a chunk on writers, those of one tenant together.

    The same chunk always gives the same place, and few move when a writer is added. `tenant_units` says how many units
    each tenant has in the whole run.
    """
    together: dict[str, list[str]] = defaultdict(list)
    for unit in units:
        together[unit.partition("/")[0]].append(unit)
    placed: dict[int, list[str]] = defaultdict(list)
    for tenant_id, mine in together.items():
        wanted = min(writers, 1 + (tenant_units[tenant_id] - 1) // UNITS_PER_WRITER)
        ranked = sorted(range(writers), key=lambda writer: _weight(tenant_id, writer))
        placed[min(ranked[:wanted], key=lambda writer: _weight(mine[0], writer))] += mine
    return dict(placed)


def _weight(name: str, writer: int) -> bytes:
    return hashlib.sha256(f"{writer}:{name}".encode()).digest()
