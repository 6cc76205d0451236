"""The chain in one process, at N and ten times N: how seconds and peak memory grow, each size in its own process."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tools.stress.benchmarks.floor import Figure
from tools.stress.benchmarks.pipeline import measured
from tools.stress.runs import INLINE

FACTOR = 10
SECONDS_TARGET = 10.5
RSS_TARGET = 1.5


def scaling(n: int, repeat: int) -> list[Figure]:
    """Measure the pipeline at `n` and 10 `n`, once each: a figure of seconds per row times ten, and one of memory.

    In both the floor's seconds are those of the smaller run. An estate is whole units, so sizes are not quite 1 to 10.
    """
    del repeat
    small, large = _alone(n), _alone(FACTOR * n)
    ratios = {
        "seconds": (FACTOR * (large.subject_seconds / large.n) / (small.subject_seconds / small.n), SECONDS_TARGET),
        "rss": (large.peak_rss_bytes / small.peak_rss_bytes, RSS_TARGET),
    }
    return [
        Figure(
            name=f"scaling_{what}",
            n=large.n,
            subject_seconds=large.subject_seconds,
            floor_seconds=small.subject_seconds,
            ratio=ratio,
            target=target,
            agrees=small.agrees and large.agrees,
            peak_rss_bytes=large.peak_rss_bytes,
        )
        for what, (ratio, target) in ratios.items()
    ]


def _alone(n: int) -> Figure:
    """Run the chain once in a fresh process, whose memory is only its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measured, "scaling", n, 1, INLINE).result()
