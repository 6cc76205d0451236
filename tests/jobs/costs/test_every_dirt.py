"""The 27 kinds of dirt that bills come with, and the test that says what is done about each."""

import re
from pathlib import Path

import pytest

from catalog.warehouse import Warehouse
from jobs.costs import reading
from jobs.costs.ingest import ingest
from tools.stress.benchmarks.costs import write_bill

HERE = Path(__file__).parent
DIRT = {
    1: ("columns missing", "test_opening.py", "test_a_column_without_any_value_is_absent"),
    2: ("types that differ by month", "test_opening.py", "test_months_of_other_types_and_columns_add_up_in_any_order"),
    3: ("timestamps of every form", "test_dialects.py", "test_an_instant_of_any_form_is_the_same_utc_time"),
    4: ("account ids as numbers", "test_dialects.py", "test_an_account_id_gets_its_zeros_back"),
    5: ("tag keys that collide", "test_dialects.py", "test_tags_of_a_csv_keep_their_keys_without_the_prefix"),
    6: ("maps of every form", "test_dialects.py", "test_cur_2_tags_are_one_map_whatever_they_are_delivered_as"),
    7: ("several assemblies", "test_manifests.py", "test_only_the_assembly_of_the_root_manifest_is_read"),
    8: ("stale parts", "test_manifests.py", "test_a_part_that_the_manifest_does_not_list_is_stale"),
    9: ("files that are no bills", "test_ingest.py", "test_what_is_no_bill_is_named_and_the_others_load"),
    10: ("months restated", "test_loading.py", "test_a_restated_month_is_replaced_and_the_difference_told"),
    11: ("line ids that repeat", "test_opening.py", "test_a_line_id_that_comes_twice_is_two_lines"),
    12: ("usage outside the period", "test_dialects.py", "test_a_line_keeps_both_its_dates"),
    13: (
        "last days incomplete",
        "test_attribute.py",
        "test_windows_of_no_given_time_end_with_the_last_complete_day_of_each_payer",
    ),
    14: ("currencies mixed", "test_ingest.py", "test_currencies_are_never_added"),
    15: ("nothing, written in words", "test_dialects.py", "test_the_ways_of_writing_nothing_are_null"),
    16: ("ids of many forms", "test_attribute.py", "test_an_arn_on_the_bill_is_the_id_of_the_inventory"),
    17: ("split cost allocation", "test_ingest.py", "test_split_cost_allocation_is_left_out_and_counted"),
    18: ("Marketplace products", "test_dialects.py", "test_a_marketplace_product_is_called_by_its_name"),
    19: ("BOM, CRLF, quoted JSON", "test_opening.py", "test_bom_crlf_and_quoted_json_are_nothing_special"),
    20: ("a thousand objects", "test_sources.py", "test_a_bucket_of_more_than_a_thousand_objects_is_listed_whole"),
    21: ("two exports", "test_loading.py", "test_two_exports_of_a_payer_and_period_are_not_added_up"),
    22: ("the first file's schema", "test_opening.py", "test_months_of_other_types_and_columns_add_up_in_any_order"),
    23: ("names of any character", "test_opening.py", "test_column_names_may_hold_anything"),
    24: ("an account that moved", "test_opening.py", "test_an_account_under_two_payers_is_in_both_bills"),
    25: ("more lines than memory", "test_every_dirt.py", "test_a_bill_that_memory_does_not_hold_is_read"),
    26: ("minus zero and residues", "test_opening.py", "test_minus_zero_residues_and_negative_costs_are_kept"),
    27: ("no bill", "test_ingest.py", "test_nothing_readable_changes_nothing"),
}


@pytest.mark.parametrize("row", range(1, 28))
def test_every_kind_of_dirt_has_its_test(row: int) -> None:
    _, file, name = DIRT[row]
    assert re.search(rf"^def {name}\(", (HERE / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_a_bill_that_memory_does_not_hold_is_read(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MEMORY", "150MB")
    monkeypatch.setattr(reading, "THREADS", 1)
    (period,) = ingest(warehouse, "acme", [str(write_bill(tmp_path, 128 * 2000))]).periods
    assert (period.rows, period.residual, period.net_unblended) == (128 * 2000, 0, period.unblended)
