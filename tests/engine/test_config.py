"""`finops.toml`: what is taken, and how every mistake is named."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import ConfigError
from engine.config import Config, load

WHOLE = """
[catalog]
uri = "sqlite:///state/catalog.db"
warehouse = "s3://bucket/warehouse"
[ray]
address = "auto"
[[tenants]]
id = "acme"
workspace = "prod"
finding_id = "per_day"
  [tenants.aws]
  accounts = ["111111111111", "222222222222"]
  role = "arn:aws:iam::{account}:role/finops-read"
  external_id = "x"
  regions = ["us-east-1"]
  [tenants.azure]
  subscriptions = ["11111111-2222-3333-4444-555555555555"]
  [tenants.gcp]
  projects = ["acme-prod"]
  [[tenants.bills]]
  path = "bills/*.parquet"
[[tenants]]
id = "acme"
workspace = "dev"
[checks."aws.ebs.unattached_volume"]
min_age_days = 30
"""
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "finops.toml"
        path.write_text(text)
        return path

    return write


def refusal(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.file == str(path)
    return caught.value


def test_without_a_file_everything_runs_on_this_machine() -> None:
    config = load(None)
    assert config.ray.address == "local"
    assert config.tenants == ()
    assert config.catalog.uri == f"sqlite:///{Path.cwd()}/.finops/catalog.db"
    assert config.catalog.warehouse == f"{Path.cwd()}/.finops/warehouse"


def test_a_whole_file_is_read_with_its_paths_relative_to_its_folder(write: Write, tmp_path: Path) -> None:
    config = load(write(WHOLE))
    assert config.catalog.uri == f"sqlite:///{tmp_path}/state/catalog.db"
    assert config.catalog.warehouse == "s3://bucket/warehouse"
    prod = config.tenant("acme", "prod")
    assert prod.aws is not None
    assert prod.aws.accounts == ("111111111111", "222222222222")
    assert prod.bills[0].path == f"{tmp_path}/bills/*.parquet"
    assert prod.finding_id == "per_day"
    assert config.checks == {"aws.ebs.unattached_volume": {"min_age_days": 30}}


def test_a_configuration_survives_the_way_to_another_process(write: Write) -> None:
    config = load(write(WHOLE))
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 our own bytes, as Ray moves them


def test_a_configuration_cannot_be_changed(write: Write) -> None:
    config = load(write(WHOLE))
    with pytest.raises(ValueError, match="frozen"):
        config.tenants[0].id = "other"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('[catalog]\nurl = "x"', "catalog.url", "is unknown; did you mean uri? allowed: uri, warehouse"),
        ("[tennants]", "tennants", "is unknown; did you mean tenants? allowed: catalog, checks, ray, tenants"),
        (
            '[[tenants]]\nid = "acme"\nworkspace = "prod"\n[tenants.aws]\nacounts = []',
            "tenants[0].aws.acounts",
            "is unknown; did you mean accounts? allowed: accounts, external_id, organization, regions, role",
        ),
        ('[[tenants]]\nid = "acme"', "tenants[0].workspace", "is required"),
        ('[[tenants]]\nid = "Acme"\nworkspace = "prod"', "tenants[0].id", "'Acme' is not 2 to 63 of a-z"),
        ('[[tenants]]\nid = "acme"\nworkspace = "../x"', "tenants[0].workspace", "'../x' is not 2 to 63"),
        (
            '[[tenants]]\nid = "acme"\nworkspace = "prod"\nfinding_id = "never"',
            "tenants[0].finding_id",
            "'stable', 'per_run' or 'per_day'",
        ),
        (
            '[[tenants]]\nid = "acme"\nworkspace = "prod"\n[[tenants.bills]]',
            "tenants[0].bills[0].path",
            "is required",
        ),
        (
            '[[tenants]]\nid = "acme"\nworkspace = "prod"\npayer_tenants = {"1" = {"2" = "B!"}}',
            "tenants[0].payer_tenants",
            "1.2: 'B!' is no tenant's id",
        ),
        ("ray = 1", "ray", "must be a table"),
        ("[catalog\n", "syntax", "allowed: TOML 1.0"),
    ],
)
def test_a_mistake_is_named_with_file_key_and_what_is_allowed(write: Write, text: str, key: str, reason: str) -> None:
    error = refusal(write(text))
    assert error.key == key
    assert reason in error.reason


@pytest.mark.parametrize(
    ("line", "key", "reason"),
    [
        ('accounts = ["1111"]', ".accounts[0]", "'1111' is not an AWS account id of 12 digits"),
        ("accounts = [111111111111]", ".accounts[0]", 'must be text in "quotes"'),
        ('accounts = "111111111111"', ".accounts", "must be a list"),
        ('organization = "yes"', ".organization", "must be true or false"),
        ('regions = ["everywhere"]', ".regions[0]", "'everywhere' is not an AWS region such as eu-west-1"),
        ('role = "finops-read"', ".role", "is not a role ARN; allowed: arn:aws:iam::{account}:role/<name>"),
        ('accounts = ["111111111111"]\norganization = true', "", "exclude each other; allowed: one of the two"),
        ('external_id = "x"', "", "external_id without role"),
        ('organization = true\nrole = "arn:aws:iam::111111111111:role/r"', "", "allowed: {account} in its place"),
    ],
)
def test_a_mistake_in_the_aws_part_says_what_is_allowed(write: Write, line: str, key: str, reason: str) -> None:
    error = refusal(write(f'[[tenants]]\nid = "acme"\nworkspace = "prod"\n[tenants.aws]\n{line}'))
    assert error.key == f"tenants[0].aws{key}"
    assert reason in error.reason


def test_a_secret_in_the_file_is_refused_and_not_repeated(write: Write) -> None:
    text = '[[tenants]]\nid = "acme"\nworkspace = "prod"\n[tenants.aws]\nsecret_access_key = "wJalrXUtnFEMI"'
    error = refusal(write(text))
    assert error.key == "tenants[0].aws.secret_access_key"
    assert "wJalrXUtnFEMI" not in str(error)


def test_a_password_in_the_catalogs_address_is_refused_and_not_repeated(write: Write) -> None:
    error = refusal(write('[catalog]\nuri = "postgresql+psycopg://finops:hunter2@db/finops"'))
    assert error.key == "catalog.uri"
    assert "PGPASSWORD" in error.reason
    assert "hunter2" not in str(error)


def test_a_tenant_may_have_several_workspaces_but_each_once(write: Write) -> None:
    entry = '[[tenants]]\nid = "acme"\nworkspace = "prod"\n'
    error = refusal(write(entry + entry))
    assert error.key == "tenants[1]"
    assert "'acme' has workspace 'prod' already" in error.reason


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path / "missing.toml")
    assert "cannot be read: No such file or directory" in error.reason


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "finops.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "allowed: TOML 1.0 in UTF-8" in refusal(path).reason


@pytest.mark.parametrize(
    ("tenant", "workspace", "reason"),
    [
        ("acmee", None, "no tenant 'acmee'; did you mean acme? allowed: acme"),
        ("acme", "stage", "tenant 'acme' has no workspace 'stage'; allowed: dev, prod"),
        ("acme", None, "tenant 'acme' has several workspaces; allowed: dev, prod"),
    ],
)
def test_asking_for_a_tenant_that_is_not_there_names_those_that_are(
    write: Write, tenant: str, workspace: str | None, reason: str
) -> None:
    config = load(write(WHOLE))
    with pytest.raises(ConfigError, match="tenants") as caught:
        config.tenant(tenant, workspace)
    assert caught.value.reason == reason


def test_the_workspace_may_be_left_out_where_there_is_one(write: Write) -> None:
    config: Config = load(write('[[tenants]]\nid = "acme"\nworkspace = "prod"'))
    assert config.tenant("acme").workspace == "prod"
