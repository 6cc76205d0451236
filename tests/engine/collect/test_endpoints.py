"""Stand-ins: loopback over plain HTTP, or nothing."""

from collections.abc import Callable

import pytest

from contracts.errors import ConfigError
from engine.collect.endpoints import AZURE, GCP, stand_in


def test_without_the_variable_the_real_cloud_is_meant(set_environment: Callable[..., None]) -> None:
    set_environment(**{AZURE: "", GCP: ""})
    assert stand_in(AZURE) is None
    assert stand_in(GCP) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:8080"])
def test_a_server_on_this_machine_may_stand_in(set_environment: Callable[..., None], url: str) -> None:
    set_environment(**{AZURE: f"{url}/"})
    assert stand_in(AZURE) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8080",
        "http://management.azure.com",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1.evil.example",
        "http://user:secret@127.0.0.1:80",
        "127.0.0.1:8080",
        "http://169.254.169.254",
    ],
)
def test_everything_else_is_refused_by_name(set_environment: Callable[..., None], url: str) -> None:
    set_environment(**{GCP: url})
    with pytest.raises(ConfigError, match="allowed: http://127") as caught:
        stand_in(GCP)
    assert caught.value.key == GCP
