-- What each service cost, day by day, over the 30 whole days before the logical time.
--
-- Grain   one row per usage day, service and currency
-- Value   numerator: cost in `currency`, on the basis the bill was ingested with; not a ratio
-- Reads   cur_facts (every line, whatever its type; the rows of a day add up to its facts)
-- Source  FinOps Foundation KPI library, cost by service; windows end with the last whole day
SELECT
    strftime(usage_start, '%Y-%m-%d') AS period,
    'service' AS dimension,
    coalesce(service, 'unknown') AS value,
    sum(cost_primary) AS numerator,
    NULL AS denominator,
    currency
FROM cur_facts
WHERE usage_start >= date_trunc('day', $as_of) - INTERVAL 30 DAY AND usage_start < date_trunc('day', $as_of)
GROUP BY ALL
HAVING count(cost_primary) > 0
