"""SDK clients that point at a running simulation."""

from collections.abc import Callable
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
def azure_client() -> Callable[[str, str], ComputeManagementClient]:
    def client(url: str, subscription: str) -> ComputeManagementClient:
        policy = HeadersPolicy({"Authorization": "Bearer none"})
        scopes = [f"{url}/.default"]
        return ComputeManagementClient(
            _NoCredential(), subscription, base_url=url, credential_scopes=scopes, authentication_policy=policy
        )

    return client


@pytest.fixture(scope="session")
def gcp_client() -> Callable[[str], compute_v1.DisksClient]:
    def client(url: str) -> compute_v1.DisksClient:
        options = ClientOptions(api_endpoint=url)
        return compute_v1.DisksClient(credentials=AnonymousCredentials(), transport="rest", client_options=options)

    return client
