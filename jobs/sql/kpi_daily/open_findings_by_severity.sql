-- How many findings are open, by severity.
--
-- Grain   one row per severity, for the day of the logical time
-- Value   numerator: findings; not a ratio, not money
-- Reads   finding_sums (open and reopened)
-- Source  FinOps Foundation KPI library, open optimisation opportunities
SELECT
    strftime($as_of, '%Y-%m-%d') AS period,
    'severity' AS dimension,
    severity AS value,
    sum(findings)::BIGINT AS numerator,
    NULL AS denominator,
    NULL AS currency
FROM finding_sums
GROUP BY severity
