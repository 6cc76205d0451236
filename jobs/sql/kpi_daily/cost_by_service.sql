-- What each service cost, day by day, over the 30 whole days before the logical time.
--
-- Grain   one row per usage day, service and currency
-- Value   numerator: cost in `currency`, on the basis the bill was ingested with; not a ratio
-- Reads   cost_sums (every line, whatever its type; the rows of a day add up to its facts)
-- Source  FinOps Foundation KPI library, cost by service; windows end with the last whole day
SELECT
    day AS period,
    dimension,
    value,
    sum(cost) AS numerator,
    NULL AS denominator,
    currency
FROM cost_sums
WHERE day IS NOT NULL AND dimension = 'service'
GROUP BY ALL
HAVING count(cost) > 0
