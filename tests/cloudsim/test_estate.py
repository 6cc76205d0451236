"""The estate is consistent in itself and has something for every check."""

from datetime import UTC, datetime

from checkers.registry import all_checks
from tools.cloudsim.aws_estate import ACCOUNTS, REGIONS
from tools.cloudsim.azure_estate import SUBSCRIPTIONS
from tools.cloudsim.charges import charges
from tools.cloudsim.estate import AS_OF, build_estate, expected_findings
from tools.cloudsim.gcp_estate import PROJECTS
from tools.cloudsim.resources import (
    Address,
    AzureDisk,
    GcpDisk,
    Image,
    Instance,
    LoadBalancer,
    Resource,
    Snapshot,
    Volume,
)


def _place(resource: Resource) -> tuple[str, str]:
    return resource.account_id, resource.region


def test_every_check_has_waste_to_find_and_no_other_check_is_expected() -> None:
    assert {check for check, _, _ in expected_findings(build_estate())} == set(all_checks())


def test_every_kind_of_resource_has_healthy_ones_beside_the_waste() -> None:
    estate = build_estate()
    for kind in (Volume, Snapshot, Address, Instance, LoadBalancer, AzureDisk, GcpDisk):
        assert any(each.waste for each in estate.all(kind))
        assert any(not each.waste for each in estate.all(kind))


def test_what_names_another_resource_names_one_in_the_same_account_and_region() -> None:
    estate = build_estate()
    places = {(type(each), each.key): _place(each) for each in estate.resources}
    links = [
        *((each, Instance, each.attached_to) for each in estate.all(Volume) if each.attached_to),
        *((each, Instance, each.attached_to) for each in estate.all(Address) if each.attached_to),
        *((each, Volume, each.volume) for each in estate.all(Snapshot) if each.volume),
        *((each, Snapshot, each.snapshot) for each in estate.all(Image)),
        *((each, Instance, target) for each in estate.all(LoadBalancer) for target in each.targets),
    ]
    assert len(links) > 40
    assert [each.key for each, kind, target in links if places.get((kind, target)) != _place(each)] == []


def test_every_instance_has_exactly_one_root_volume() -> None:
    estate = build_estate()
    roots = [volume.attached_to for volume in estate.all(Volume) if volume.is_root]
    assert sorted(map(str, roots)) == sorted(instance.key for instance in estate.all(Instance))


def test_the_estate_spans_all_its_accounts_and_regions_and_nothing_else() -> None:
    estate = build_estate()
    aws = {_place(each) for each in estate.all(Instance)}
    assert aws == {(account, region) for account in ACCOUNTS for region in REGIONS}
    assert {each.account_id for each in estate.all(AzureDisk)} == set(SUBSCRIPTIONS)
    assert {each.account_id for each in estate.all(GcpDisk)} == set(PROJECTS)


def test_ages_move_with_the_logical_time_and_findings_do_not() -> None:
    later = build_estate(datetime(2027, 3, 9, 12, tzinfo=UTC))
    assert expected_findings(later) == expected_findings(build_estate())
    assert later.resources != build_estate().resources
    assert build_estate() == build_estate(AS_OF)


def test_everything_in_aws_but_images_is_charged_at_a_price_of_the_book() -> None:
    estate = build_estate()
    charged = {charge.resource.key for charge in charges(estate)}
    kinds = (Volume, Snapshot, Instance, Address, LoadBalancer)
    assert charged == {each.key for kind in kinds for each in estate.all(kind)}
