"""Collectors: the only home of cloud SDKs; one unit in, one reading per dataset out. `collect` is the way in.

A dataset's name is the address of its collector: `aws.ec2.volumes` is read by `engine.collect.aws.ec2.fetch_volumes`.
"""

from engine.collect.unit import Reading, collect

__all__ = ["Reading", "collect"]
