"""Units are cut into chunks of one provider and of whole accounts, and none is left out."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from contracts.units import Unit
from engine.driver import chunks
from engine.plan import AwsAccess, PlannedUnit


def planned(accounts: dict[str, int]) -> list[PlannedUnit]:
    """Plan so many regions of each account; those whose name says so are Azure's."""
    regions = [(account, f"region-{n}") for account, count in accounts.items() for n in range(count)]
    units = (Unit("acme", "prod", account.split("-")[0], account, region) for account, region in regions)
    return [PlannedUnit(unit, AwsAccess()) for unit in units]


NAMES = [f"{provider}-{number}" for provider, number in product(("aws", "azure"), range(6))]


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 9)), st.integers(1, 6))
def test_every_unit_is_in_one_chunk_and_an_account_that_fits_into_one_is_never_cut(
    accounts: dict[str, int], size: int
) -> None:
    units = planned(accounts)
    cut = list(chunks(units, size))
    assert sorted(each.unit for chunk in cut for each in chunk) == sorted(each.unit for each in units)
    assert all(1 <= len(chunk) <= size for chunk in cut)
    assert all(len({each.unit.provider for each in chunk}) == 1 for chunk in cut)
    for account, regions in accounts.items():
        places = {at for at, chunk in enumerate(cut) for each in chunk if each.unit.account_id == account}
        assert len(places) == 1 or regions > size


def test_accounts_larger_than_a_chunk_fill_chunks_whole() -> None:
    assert [len(chunk) for chunk in chunks(planned({"aws-0": 5, "aws-1": 5, "aws-2": 5}), 4)] == [4, 4, 4, 3]
