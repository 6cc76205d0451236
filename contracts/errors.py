"""The one tree of errors, and what the run does with each.

FinopsError
  TransientError       throttled, timed out, commit conflict      retry with jitter, then a coverage gap
  PermanentError
    AccessDenied       names the missing permission               coverage gap, the run goes on
    UnitUnavailable    region disabled, account suspended         coverage gap, the run goes on
    ContractError      field and reason                           the row is rejected, the run goes on
    CheckError         check and cause                            that check x unit fails, the run goes on
    BillError          file and reason                            the file is skipped, its period is partial
    ConfigError        file, key, why, what is allowed            the run does not start
    NotFound           what was asked for, and where to look      the command ends

Constructor arguments go to ``super().__init__`` unchanged, so that every error survives pickling between Ray workers.
"""


class FinopsError(Exception):
    """Root of every error this engine raises on purpose."""

    code = "internal"


class TransientError(FinopsError):
    """Something that may succeed when tried again: a throttle, a time-out, a commit conflict."""

    code = "throttled"


class PermanentError(FinopsError):
    """Something that fails again in the same way until somebody changes something."""

    code = "failed"


class AccessDenied(PermanentError):
    """A call was refused; ``permission`` is what the role lacks, in the provider's own notation."""

    code = "denied"

    def __init__(self, permission: str, detail: str) -> None:
        super().__init__(permission, detail)
        self.permission = permission
        self.detail = detail

    def __str__(self) -> str:
        return f"access denied: the role lacks {self.permission} ({self.detail})"


class UnitUnavailable(PermanentError):
    """A region that is not enabled or an account that is suspended: there is nothing to read."""

    code = "unavailable"


class ContractError(PermanentError):
    """A draft or a row that does not keep the contract."""

    code = "contract"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class CheckError(PermanentError):
    """A checker raised; its units are not judged by it, everything else goes on."""

    code = "check_failed"

    def __init__(self, check_id: str, cause: str) -> None:
        super().__init__(check_id, cause)
        self.check_id = check_id
        self.cause = cause

    def __str__(self) -> str:
        return f"check {self.check_id} failed: {self.cause}"


class BillError(PermanentError):
    """A bill file that cannot be read; it is named and skipped."""

    code = "bill_unreadable"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class ConfigError(PermanentError):
    """A configuration that cannot be used: names the file, the key and what is allowed."""

    code = "config"

    def __init__(self, file: str, key: str, reason: str) -> None:
        super().__init__(file, key, reason)
        self.file = file
        self.key = key
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.reason}"


class NotFound(PermanentError):
    """Something a person named does not exist; the message says where to look."""

    code = "not_found"
