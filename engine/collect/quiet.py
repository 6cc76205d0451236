"""Keeps the cloud SDKs' debug logs shut: they print session tokens, assumed secret keys and external ids."""

import logging

# A refused role is a coverage row; botocore would print a traceback of it for every unit.
_SILENCED = "botocore.credentials"
_TALKATIVE = ("boto3", "botocore", "urllib3", "azure", "msal", "google", "requests")


def quiet_sdks() -> None:
    """Raise the SDKs' loggers to WARNING, whatever level the root logger has; called before every reading."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level < logging.WARNING:
            logger.setLevel(logging.WARNING)
    logging.getLogger(_SILENCED).setLevel(logging.CRITICAL)
