-- The KPIs of a day and its month in one query.
WITH open AS (
    SELECT provider, account_id, region, resource_id, severity, category, savings, estimated, actual
    FROM current WHERE lifecycle.state IN ('open', 'reopened')
),
grain AS (
    SELECT strftime($as_of, '%Y-%m-%d') AS period
    UNION ALL
    SELECT strftime($as_of, '%Y-%m')
),
day AS MATERIALIZED (
    SELECT
        strftime(usage_start, '%Y-%m-%d') AS period, account_id, service, region, charge_category, usage_type, provider,
        payer_account_id, max(usage_end) AS through, sum(cost_primary) AS cost, sum(list_cost) AS list_cost
    FROM cur_facts
    GROUP BY ALL
),
cost AS (
    SELECT
        period,
        'cost_by_' || CASE WHEN grouping(account_id) = 0 THEN 'account' WHEN grouping(service) = 0 THEN 'service'
            WHEN grouping(region) = 0 THEN 'region' ELSE 'charge_category' END AS kpi,
        coalesce(account_id, service, region, charge_category) AS value,
        sum(cost) AS numerator
    FROM day
    GROUP BY period, GROUPING SETS (account_id, service, region, charge_category)
    UNION ALL
    SELECT period, 'resource_coverage', provider, sum(cost) FROM day GROUP BY ALL
    UNION ALL
    SELECT period, 'effective_savings_rate', provider, sum(list_cost - cost) FROM day GROUP BY ALL
    UNION ALL
    SELECT period, 'gp3_share', provider, sum(cost) FILTER (usage_type LIKE '%gp3') FROM day GROUP BY ALL
)
SELECT period, 'open_findings_by_severity' AS kpi, severity AS value, numerator::DECIMAL(38, 12) AS numerator
FROM grain, (SELECT severity, count(*) AS numerator FROM open GROUP BY severity)
UNION ALL
SELECT period, 'savings_by_category', category, numerator::DECIMAL(38, 12)
FROM grain, (SELECT category, sum(savings.net) AS numerator FROM open WHERE savings.net IS NOT NULL GROUP BY category)
UNION ALL
SELECT period, 'attribution_coverage', provider, numerator::DECIMAL(38, 12)
FROM grain, (
    SELECT provider, coalesce(sum(cost) FILTER (matched), 0) AS numerator
    FROM (
        SELECT
            provider, account_id, region, resource_id, max(estimated.monthly_cost) AS cost,
            bool_or(actual.method <> 'none' AND actual.method NOT LIKE 'scoped%') AS matched
        FROM open WHERE estimated.monthly_cost IS NOT NULL GROUP BY ALL
    )
    GROUP BY provider
)
UNION ALL
SELECT period, 'coverage', provider, numerator::DECIMAL(38, 12)
FROM grain, (
    SELECT provider, count(DISTINCT unit_id || '|' || name) FILTER (outcome = 'ok') AS numerator
    FROM coverage WHERE subject = 'check' GROUP BY provider
)
UNION ALL
SELECT period, 'freshness_days', payer_account_id, numerator::DECIMAL(38, 12)
FROM grain, (
    SELECT payer_account_id, date_diff('day', least(max(through), $as_of), $as_of) AS numerator FROM day GROUP BY ALL
)
UNION ALL
SELECT billing_period, 'restated_share', payer_account_id, 0::DECIMAL(38, 12)
FROM cur_ingests WHERE billing_period < strftime($as_of, '%Y-%m')
UNION ALL
SELECT period, kpi, value, numerator FROM cost
UNION ALL
SELECT period[:7], kpi, value, sum(numerator) FROM cost GROUP BY ALL
