"""Orphans: files under a table's location that no metadata refers to any more, or ever did."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import Table as IcebergTable

from catalog.storage import StoredFile, key
from catalog.warehouse import history


def orphans(
    table: IcebergTable, listed: Mapping[str, StoredFile], older_than: datetime, owed: AbstractSet[str]
) -> list[StoredFile]:
    """Return the listed files that are old enough and that nothing needs, by path.

    `table` must have been loaded after the files were listed: what a commit has taken in meanwhile is then seen.
    `owed` are keys of files that a registered flush still has to bring in.
    """
    needed = owed | {key(path) for path in references(table)}
    return [file for name, file in sorted(listed.items()) if name not in needed and file.modified < older_than]


def damaged(table: IcebergTable, listed: Mapping[str, StoredFile]) -> list[str]:
    """Return the current data files that are not there, or not as long as the table says, by key.

    `table` must have been loaded before the files were listed: a file that came later is then no missing one.
    """
    found = {key(task.file.file_path): task.file.file_size_in_bytes for task in table.scan().plan_files()}
    return sorted(name for name, size in found.items() if name not in listed or listed[name].size != size)


def references(table: IcebergTable) -> Iterator[str]:
    """Yield every path the table's metadata names: of all its snapshots, not only the current one."""
    metadata = table.metadata
    yield table.metadata_location
    yield from (entry.metadata_file for entry in metadata.metadata_log)
    yield from (each.statistics_path for each in (*metadata.statistics, *metadata.partition_statistics))
    yield from (snapshot.manifest_list for snapshot in metadata.snapshots)
    for manifest in _manifests(table):
        yield manifest.manifest_path
        yield from (file.file_path for file in _data_files(table, manifest))


def _manifests(table: IcebergTable) -> AbstractSet[ManifestFile]:
    return {manifest for snapshot in history(table) for manifest in snapshot.manifests(table.io)}


def _data_files(table: IcebergTable, manifest: ManifestFile) -> Iterator[DataFile]:
    return (entry.data_file for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True))
