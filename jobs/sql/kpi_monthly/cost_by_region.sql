-- What each region cost, month by month, over all that was ingested.
--
-- Grain   one row per month of usage, region and currency
-- Value   numerator: cost in `currency`, on the basis the bill was ingested with; not a ratio
-- Reads   cost_sums (every line, whatever its type; all rows add up to all facts)
-- Source  FinOps Foundation KPI library, cost by region; a line without usage time counts in its billing period
SELECT
    month AS period,
    dimension,
    value,
    sum(cost) AS numerator,
    NULL AS denominator,
    currency
FROM cost_sums
WHERE dimension = 'region'
GROUP BY ALL
HAVING count(cost) > 0
