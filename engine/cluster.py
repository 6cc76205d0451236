"""Being on a Ray cluster, and working on the parts of jobs there."""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from contracts.errors import PermanentError

_WORKER_ENVIRONMENT = {
    "POLARS_MAX_THREADS": "1",
    # jemalloc's, under the name it has in Polars.
    "_RJEM_MALLOC_CONF": "thp:always,narenas:1,dirty_decay_ms:60000,muzzy_decay_ms:60000",
}

_WorkOn = ray.remote(max_retries=3)(lambda work, item: work(item))  # doing a part again harms nothing


@contextmanager
def cluster(address: str, cpus: int | None = None) -> Iterator[None]:
    """Be on the cluster ("auto"), or on one that is started for this ("local"), of `cpus` CPUs or as many as there are.

    Where this process is on one already that one is used, and stays: who has started a cluster stops it.

    In its workers Polars has one thread, for a task has one CPU: Ray sees to the same with OpenMP. Threads that fight
    for the others' CPUs cost half as much CPU again. And it asks for memory in huge pages, from one arena for its one
    thread, and keeps what is freed for a minute, not half a second: to be given it anew by the system, 4 KiB at a time,
    costs a fifth of a run.
    """
    if ray.is_initialized():
        yield
        return
    if address == "local":
        # Inherited, not asked for: workers that Ray starts before anybody asks would else be of no use.
        with _environment(_WORKER_ENVIRONMENT):
            _join(address, num_cpus=cpus, include_dashboard=False)
    else:
        _join(address, num_cpus=cpus, runtime_env={"env_vars": _WORKER_ENVIRONMENT})
    try:
        yield
    finally:
        ray.shutdown()


def _join(address: str, **options: Any) -> None:
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Have processes that are started meanwhile inherit these variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def each(work: Callable[[Any], Any], items: Iterable[Any], address: str) -> Iterator[Any]:
    """Work on items as Ray tasks on a cluster that is there, or is started for this; yields what they made, in order.

    Of an item whose task died, a PermanentError that says how comes instead.
    """
    with cluster(address):
        yield from map(_made, in_order(work, items))


def in_order(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[ray.ObjectRef]:
    """Start a task for every item, as many at a time as there are CPUs, and yield them as they were started."""
    waiting, running = iter(items), deque[ray.ObjectRef]()
    shared, ahead = ray.put(work), max(1, int(ray.cluster_resources().get("CPU", 1)))
    while True:
        running.extend(_WorkOn.remote(shared, item) for item in islice(waiting, ahead - len(running)))
        if not running:
            return
        yield running.popleft()


def cause(error: RayError) -> str:
    """Say in one line what ended a task: the exception it raised, or how its process died."""
    raised = error.cause if isinstance(error, RayTaskError) else error
    return f"{type(raised).__name__}: {raised}".partition("\n")[0]


def _made(ref: ray.ObjectRef) -> Any:
    try:
        return ray.get(ref)
    except RayError as error:
        return PermanentError(f"its task died: {cause(error)}")
