"""Whose accounts are whose: (payer, usage account) to tenant, so that nobody gets another tenant's costs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from contracts.errors import ConfigError
from contracts.units import is_tenant_id

OTHERS = "*"  # stands for the accounts of a payer that are not named
Assigned = Mapping[str, str | Mapping[str, str]]
_ALLOWED = 'allowed: "payer" = "tenant", or a table ["payer"] of "account" = "tenant", "*" for the others'


@dataclass(frozen=True, slots=True)
class Owners:
    """A payer's tenant, or the tenants of its accounts; a payer or account that is not there is nobody's."""

    assigned: Assigned

    def of(self, tenant_id: str) -> pl.DataFrame:
        """Return payer, account and whether it is that tenant's; ids as given and, if numbers, with their 12 digits."""
        rows = [
            (payer, account, owner == tenant_id)
            for given, accounts in self.assigned.items()
            for payer in _spellings(given)
            for named, owner in ({OTHERS: accounts} if isinstance(accounts, str) else accounts).items()
            for account in _spellings(named)
        ]
        return pl.DataFrame(
            rows, schema={"payer": pl.String, "account": pl.String, "is_mine": pl.Boolean}, orient="row"
        )


def read_owners(path: Path) -> Owners:
    """Read a TOML file of owners. Raises ConfigError with file and key for whatever is not understood."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(str(path), "file", f"cannot be read: {error.strerror}; allowed: a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "syntax", f"{error}; allowed: TOML 1.0 in UTF-8") from error
    return checked(document, str(path))


def checked(document: Mapping[str, Any], file: str) -> Owners:
    """Return owners of a parsed table. Raises ConfigError with file and key for whatever is no id or no tenant."""
    for payer, accounts in document.items():
        if not payer.strip() or (isinstance(accounts, dict) and not all(each.strip() for each in accounts)):
            raise ConfigError(file, payer, f"an id is blank; {_ALLOWED}")
        named = (
            {f"{payer}.{each}": owner for each, owner in accounts.items()}
            if isinstance(accounts, dict)
            else {payer: accounts}
        )
        for where, owner in named.items():
            if not isinstance(owner, str) or not is_tenant_id(owner):
                raise ConfigError(file, where, f"{owner!r} is no tenant's id; {_ALLOWED}")
    return Owners(document)


def _spellings(given: str) -> set[str]:
    """Spell an AWS account id with the zeros in front that it may have lost; others' ids are as they are."""
    return {given, given.zfill(12)} if given.isdigit() else {given}
