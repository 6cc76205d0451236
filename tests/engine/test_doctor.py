"""The doctor names what is there and what is missing, and shows no secret."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.config import Config, load
from engine.doctor import Condition, examine

CONFIG = """
[catalog]
uri = "sqlite:///catalog.db"
warehouse = "warehouse"
[ray]
address = "none"
[[tenants]]
id = "acme"
workspace = "prod"
  [tenants.aws]
  accounts = ["111111111111"]
  [tenants.gcp]
  projects = ["acme-prod"]
"""
SECRET = "wJalrXUtnFEMI"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Take every way to credentials out of the environment; give a way to put some in."""
    before = dict(os.environ)
    clouds = ("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "FINOPS_", "RAY_", "IDENTITY_")
    for name in [name for name in os.environ if name.startswith(clouds)]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "HOME": str(tmp_path)}
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    yield lambda **values: os.environ.update(values)
    os.environ.clear()
    os.environ.update(before)


def examined(config: Config) -> dict[str, Condition]:
    return {each.name: each for each in examine(config)}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "finops.toml"
    path.write_text(CONFIG)
    return load(path)


def test_missing_credentials_are_named_with_who_needs_them(environment: Callable[..., None], config: Config) -> None:
    found = examined(config)
    assert {name for name, each in found.items() if not each.holds} == {"credentials: aws", "credentials: gcp"}
    assert found["credentials: aws"].detail == "none seen; for acme"
    assert found["credentials: azure"].detail == "none seen; no tenant needs them"
    environment(AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY=SECRET, FINOPS_GCP_ENDPOINT_URL="http://127.0.0.1:9")
    found = examined(config)
    assert all(each.holds for each in found.values())
    assert found["credentials: aws"].detail == "from env; for acme"
    assert SECRET not in str(found)


def test_files_of_the_clouds_own_commands_are_seen(
    environment: Callable[..., None], config: Config, tmp_path: Path
) -> None:
    for file in (
        tmp_path / "azure" / "azureProfile.json",
        tmp_path / "gcloud" / "application_default_credentials.json",
    ):
        file.parent.mkdir()
        file.touch()
    environment(AZURE_CONFIG_DIR=str(tmp_path / "azure"), CLOUDSDK_CONFIG=str(tmp_path / "gcloud"))
    found = examined(config)
    assert found["credentials: gcp"] == Condition("credentials: gcp", holds=True, detail="from gcloud; for acme")
    assert found["credentials: azure"].detail == "from azure command line; no tenant needs them"
    environment(GOOGLE_APPLICATION_CREDENTIALS="/nowhere.json", AZURE_CLIENT_SECRET=SECRET)
    found = examined(config)
    assert not found["credentials: gcp"].holds
    assert found["credentials: azure"].detail == "from service principal with a secret; no tenant needs them"


@pytest.mark.usefixtures("environment")
def test_a_catalog_that_cannot_be_opened_is_said_and_the_rest_still_looked_at(config: Config, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    catalog = config.catalog.model_copy(update={"uri": f"sqlite:///{tmp_path}/taken/catalog.db"})
    found = examined(config.model_copy(update={"catalog": catalog}))
    assert not found["catalog"].holds
    assert "taken" in found["catalog"].detail
    assert found["ray"].holds


def test_ray_says_which_cluster_runs_join(environment: Callable[..., None], config: Config) -> None:
    assert "not used" in examined(config)["ray"].detail
    local = config.model_copy(update={"ray": config.ray.model_copy(update={"address": "local"})})
    assert "their own cluster" in examined(local)["ray"].detail
    environment(RAY_ADDRESS="10.0.0.1:6379")
    assert "join 10.0.0.1:6379" in examined(local)["ray"].detail
