"""Keys are hashes bound to a tenant; runs are numbered per tenant."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.state import State
from contracts.errors import NotFound

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State.open(f"sqlite:///{tmp_path}/state.db")


def test_a_key_opens_its_own_tenant_and_is_nowhere_in_the_database(state: State, tmp_path: Path) -> None:
    key = state.create_key("acme", "dashboard")
    assert state.tenant_of_key(key) == "acme"
    secret = key.split("_", 2)[2]
    assert secret.encode() not in (tmp_path / "state.db").read_bytes()


@pytest.mark.parametrize("presented", ["", "fin", "fin__", "fin_0_0", "x" * 5000])
def test_what_is_no_key_opens_nothing(state: State, presented: str) -> None:
    state.create_key("acme", "dashboard")
    assert state.tenant_of_key(presented) is None


def test_a_wrong_secret_or_a_revoked_key_opens_nothing(state: State) -> None:
    key = state.create_key("acme", "dashboard")
    assert state.tenant_of_key(key + "x") is None
    state.revoke_key("acme", state.keys("acme")[0].key_id)
    assert state.tenant_of_key(key) is None


def test_a_tenant_cannot_revoke_the_key_of_another(state: State) -> None:
    key = state.create_key("acme", "dashboard")
    with pytest.raises(NotFound, match="globex has no key"):
        state.revoke_key("globex", state.keys("acme")[0].key_id)
    assert state.tenant_of_key(key) == "acme"


def test_runs_are_named_after_their_logical_time_and_number(state: State) -> None:
    first = state.start_run("acme", "prod", AS_OF, "stable")
    second = state.start_run("acme", "prod", AS_OF, "stable")
    assert [first.run_id, second.run_id] == ["20261101T000000Z-1", "20261101T000000Z-2"]
    assert state.start_run("globex", "prod", AS_OF, "stable").sequence == 1
    state.finish_run("acme", first.run_id, {"findings": 3})
    assert state.run("acme", first.run_id).status == "finished"
    assert state.run("acme", second.run_id).as_of == AS_OF
    with pytest.raises(NotFound, match="has no run nope"):
        state.run("acme", "nope")
