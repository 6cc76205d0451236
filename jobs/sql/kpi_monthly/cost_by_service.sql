-- What each service cost, month by month, over all that was ingested.
--
-- Grain   one row per month of usage, service and currency
-- Value   numerator: cost in `currency`, on the basis the bill was ingested with; not a ratio
-- Reads   cur_facts (every line, whatever its type; all rows add up to all facts)
-- Source  FinOps Foundation KPI library, cost by service; a line without usage time counts in its billing period
SELECT
    coalesce(strftime(usage_start, '%Y-%m'), billing_period) AS period,
    'service' AS dimension,
    coalesce(service, 'unknown') AS value,
    sum(cost_primary) AS numerator,
    NULL AS denominator,
    currency
FROM cur_facts
GROUP BY ALL
HAVING count(cost_primary) > 0
