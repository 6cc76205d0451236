"""The simulated estate, running: three servers, the bill and the configuration that points the engine at them."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tools.cloudsim.aws import CREDENTIALS, AwsServer
from tools.cloudsim.aws_estate import REGIONS
from tools.cloudsim.aws_seed import seed
from tools.cloudsim.azure import AzureServer
from tools.cloudsim.azure_estate import SUBSCRIPTIONS
from tools.cloudsim.bill import write_bill
from tools.cloudsim.estate import AS_OF, Estate, build_estate, expected_findings
from tools.cloudsim.gcp import GcpServer
from tools.cloudsim.gcp_estate import PROJECTS
from tools.cloudsim.resources import AzureDisk, GcpDisk

TENANT, WORKSPACE = "acme", "prod"
_CONFIG = """\
# Written by the simulator: one tenant on three simulated clouds.
[catalog]
uri = "sqlite:///.finops/catalog.db"
warehouse = ".finops/warehouse"

[[tenants]]
id = "{tenant}"
workspace = "{workspace}"

  [tenants.aws]
  organization = true
  role = "arn:aws:iam::{{account}}:role/finops-read"
  external_id = "simulated"
  regions = [{regions}]

  [tenants.azure]
  subscriptions = [{subscriptions}]

  [tenants.gcp]
  projects = [{projects}]

  [[tenants.bills]]
  path = "bills"
"""


@dataclass(frozen=True, slots=True)
class Simulator:
    """What a running simulation offers.

    estate       what is in the clouds
    ids          resource key -> id, as the clouds' APIs name it
    environment  variables that point the SDKs at the servers
    config_path  the `finops.toml` in the folder
    expected     what a scan has to find: (check id, account id, resource id in canonical form, as findings have it)
    refuse       makes an AWS account refuse from now on (`AwsServer.refuse`)
    """

    estate: Estate
    ids: Mapping[str, str]
    environment: Mapping[str, str]
    config_path: Path
    expected: frozenset[tuple[str, str, str]]
    refuse: Callable[..., None]

    @staticmethod
    @contextmanager
    def start(as_of: datetime = AS_OF, folder: Path = Path(".demo")) -> Iterator["Simulator"]:
        """Start the servers on 127.0.0.1, fill them, write bill and configuration to `folder`; stop them on exit.

        One simulator per process at a time, as moto's backends are global.
        """
        estate = build_estate(as_of)
        with ExitStack() as servers:
            aws, azure, gcp = AwsServer(), AzureServer(estate), GcpServer(estate)
            for server in (aws, azure, gcp):
                servers.callback(server.stop)
            ids = seed(aws.url, estate) | {disk.key: disk.resource_id.lower() for disk in estate.all(AzureDisk)}
            ids |= {disk.key: disk.resource_id for disk in estate.all(GcpDisk)}
            write_bill(estate, ids, folder / "bills")
            expected = frozenset((check, account, ids[key]) for check, account, key in expected_findings(estate))
            yield Simulator(estate, ids, _environment(aws, azure, gcp), _write_config(folder), expected, aws.refuse)

    def child_environment(self) -> dict[str, str]:
        """Return this process's environment with every cloud setting replaced by the simulation's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AZURE_", "GOOGLE_"))}
        return own | dict(self.environment)


def _environment(aws: AwsServer, azure: AzureServer, gcp: GcpServer) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": REGIONS[0],
        "AWS_CONFIG_FILE": os.devnull,  # nobody's real profile
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "FINOPS_AZURE_ENDPOINT_URL": azure.url,
        "FINOPS_GCP_ENDPOINT_URL": gcp.url,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _write_config(folder: Path) -> Path:
    lists = {"regions": REGIONS, "subscriptions": SUBSCRIPTIONS, "projects": PROJECTS}
    quoted = {name: ", ".join(f'"{value}"' for value in values) for name, values in lists.items()}
    path = folder / "finops.toml"
    path.write_text(_CONFIG.format(tenant=TENANT, workspace=WORKSPACE, **quoted), "utf-8")
    return path
