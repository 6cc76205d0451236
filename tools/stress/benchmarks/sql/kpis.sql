-- The KPIs of a day and its month in one query.
WITH open AS (
    SELECT severity, category, savings FROM current WHERE lifecycle.state IN ('open', 'reopened')
),
grain AS (
    SELECT strftime($as_of, '%Y-%m-%d') AS period
    UNION ALL
    SELECT strftime($as_of, '%Y-%m')
),
day AS (
    SELECT strftime(usage_start, '%Y-%m-%d') AS period, service, currency, sum(cost_primary) AS cost
    FROM cur_facts
    GROUP BY ALL
)
SELECT period, 'open_findings_by_severity' AS kpi, severity AS value, numerator::DECIMAL(38, 12) AS numerator
FROM grain, (SELECT severity, count(*) AS numerator FROM open GROUP BY severity)
UNION ALL
SELECT period, 'savings_by_category', category, numerator::DECIMAL(38, 12)
FROM grain, (SELECT category, sum(savings.net) AS numerator FROM open WHERE savings.net IS NOT NULL GROUP BY category)
UNION ALL
SELECT period, 'coverage', provider, numerator::DECIMAL(38, 12)
FROM grain, (
    SELECT provider, count(DISTINCT unit_id || '|' || name) FILTER (outcome = 'ok') AS numerator
    FROM coverage WHERE subject = 'check' GROUP BY provider
)
UNION ALL
SELECT period, 'cost_by_service', service, cost FROM day
UNION ALL
SELECT period[:7], 'cost_by_service', service, sum(cost) FROM day GROUP BY ALL
