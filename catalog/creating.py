"""A table of the contract as a new Iceberg table, made in one step."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import pyarrow_to_schema
from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionField, PartitionSpec
from pyiceberg.transforms import IdentityTransform

from contracts.tables import Table

_FIELD_ID = "PARQUET:field_id"  # where Arrow keeps it


def create(catalog: Catalog, name: str, table: Table, properties: Mapping[str, str]) -> None:
    """Create an Iceberg table with the columns and the partitions of a table of the contract."""
    schema = pyarrow_to_schema(pa.schema(_numbered(table.schema, count(1))))
    fields = (
        PartitionField(schema.find_field(column).field_id, field_id, IdentityTransform(), column)
        for field_id, column in enumerate(table.partition, PARTITION_FIELD_ID_START)
    )
    catalog.create_table(name, schema, partition_spec=PartitionSpec(*fields), properties=dict(properties))


def _numbered(fields: Iterable[pa.Field], ids: Iterator[int]) -> list[pa.Field]:
    """Give fields the ids that a partition names them by; Iceberg gives its own when it creates the table."""
    return [
        pa.field(each.name, _of_numbered(each.type, ids), each.nullable, {_FIELD_ID: str(next(ids))}) for each in fields
    ]


def _of_numbered(kind: pa.DataType, ids: Iterator[int]) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct(_numbered(kind, ids))
    if pa.types.is_list(kind):
        return pa.list_(*_numbered([kind.value_field], ids))
    if pa.types.is_map(kind):
        return pa.map_(*_numbered([kind.key_field, kind.item_field], ids))
    return kind
