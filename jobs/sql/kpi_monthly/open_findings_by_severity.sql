-- How many findings are open, by severity.
--
-- Grain   one row per severity, for the month of the logical time
-- Value   numerator: findings; not a ratio, not money
-- Reads   findings_current (open and reopened)
-- Source  FinOps Foundation KPI library, open optimisation opportunities
SELECT
    strftime($as_of, '%Y-%m') AS period,
    'severity' AS dimension,
    severity AS value,
    count(*) AS numerator,
    NULL AS denominator,
    NULL AS currency
FROM findings_current
WHERE lifecycle.state IN ('open', 'reopened')
GROUP BY severity
