"""Fixtures: one running simulation for the tests that only read, and SDK clients that point at it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import HeadersPolicy
from azure.mgmt.compute import ComputeManagementClient
from botocore.config import Config
from botocore.session import Session
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1

from tools.cloudsim.aws_estate import MANAGEMENT
from tools.cloudsim.simulator import Simulator

AwsClient = Callable[..., Any]


class _NoCredential:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("none", 4_102_444_800)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """One simulation per test module, stopped before anything else starts moto in this process."""
    with Simulator.start(folder=tmp_path_factory.mktemp("simulation")) as running:
        yield running


@pytest.fixture(scope="session")
def aws_client() -> AwsClient:
    """Make a client in an account and region, by assuming a role where the account is not the caller's own."""
    session = Session()  # it keeps the service models it has loaded, which are most of a client's cost

    def client(running: Simulator, service: str, account: str = MANAGEMENT, region: str = "us-east-1") -> Any:
        settings = {
            "region_name": region,
            "endpoint_url": running.environment["AWS_ENDPOINT_URL"],
            "config": Config(retries={"total_max_attempts": 1}),
        }
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        if account != MANAGEMENT:
            sts = session.create_client("sts", **settings, **keys)
            role = f"arn:aws:iam::{account}:role/finops-read"
            granted = sts.assume_role(RoleArn=role, RoleSessionName="test", ExternalId="simulated")["Credentials"]
            keys = {
                "aws_access_key_id": granted["AccessKeyId"],
                "aws_secret_access_key": granted["SecretAccessKey"],
                "aws_session_token": granted["SessionToken"],
            }
        return session.create_client(service, **settings, **keys)

    return client


@pytest.fixture(scope="session")
def azure_client() -> Callable[[Simulator, str], ComputeManagementClient]:
    def client(running: Simulator, subscription: str) -> ComputeManagementClient:
        url = running.environment["FINOPS_AZURE_ENDPOINT_URL"]
        policy = HeadersPolicy({"Authorization": "Bearer none"})
        scopes = [f"{url}/.default"]
        return ComputeManagementClient(
            _NoCredential(), subscription, base_url=url, credential_scopes=scopes, authentication_policy=policy
        )

    return client


@pytest.fixture(scope="session")
def gcp_client() -> Callable[[Simulator], compute_v1.DisksClient]:
    def client(running: Simulator) -> compute_v1.DisksClient:
        options = ClientOptions(api_endpoint=running.environment["FINOPS_GCP_ENDPOINT_URL"])
        return compute_v1.DisksClient(credentials=AnonymousCredentials(), transport="rest", client_options=options)

    return client
