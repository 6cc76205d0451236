"""What a piece of work may take of memory."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")
_STATM_DATA = 5  # the column of data and stack pages, proc(5)


@contextmanager
def memory_limit(size: int) -> Iterator[None]:
    """Let this process take so many bytes on top of what it has, and no more: MemoryError, or it dies, not its node.

    Only Linux can say what it has; elsewhere the node's own limit must do.
    """
    if not _STATM.exists():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    held = int(_STATM.read_text(encoding="ascii").split()[_STATM_DATA]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (held + size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
