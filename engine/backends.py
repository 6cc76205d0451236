"""Which backend a run scans on: this process or Ray."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module

from engine.driver import Backend
from engine.inline import InlineBackend
from engine.work import Job
from engine.writer import Limits


@contextmanager
def backend_for(address: str, scanning: Job, limits: Limits | None = None) -> Iterator[Backend]:
    """Choose where to scan: `none` is this process, anything else is Ray (a submitted job joins its own cluster).

    Ray is imported only when it is used: it takes a second and 80 MB.
    """
    if address == "none":
        yield InlineBackend(scanning, limits)
        return
    joined = "auto" if "RAY_ADDRESS" in os.environ else address
    cluster, on_ray = import_module("engine.cluster"), import_module("engine.ray_backend")
    with cluster.cluster(joined), closing(on_ray.RayBackend(scanning, limits)) as backend:
        yield backend
