"""The closed word lists of a finding: AWS Cost Optimization Hub's words where it has them."""

CATEGORIES = (
    "unused", "idle", "oversized", "outdated", "wrong_tier", "unscheduled", "uncommitted", "licence", "governance",
)  # fmt: skip
SEVERITIES = ("critical", "high", "medium", "low", "info")
CONFIDENCES = ("high", "medium", "low")
EFFORTS = ("very_low", "low", "medium", "high", "very_high")
RISKS = ("very_low", "low", "medium", "high", "very_high")
ACTIONS = ("delete", "release", "stop", "upgrade", "rightsize", "migrate", "review")
ESTIMATE_STATUSES = ("estimated", "upper_bound", "lower_bound", "unknown")
VERDICTS = ("finding", "ok", "not_applicable", "undetermined")
OUTCOMES = ("ok", "denied", "failed", "throttled", "unavailable", "not_evaluated")
FINDING_ID_MODES = ("stable", "per_run", "per_day")
OPEN_STATES = ("open", "reopened")
