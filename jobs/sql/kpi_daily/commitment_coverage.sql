-- How much of the usage that a commitment could cover is covered by one, day by day.
--
-- Grain   one row per usage day, service and currency
-- Value   numerator: list cost of covered usage; denominator: that and list cost of such usage on demand; `currency`
-- Reads   usage_sums (AWS: what Savings Plans and reservations are sold for; Spot usage is not; a service with a line
--         without list price is left out)
-- Source  AWS Cloud Intelligence Dashboards, Savings Plans eligible spend
SELECT
    day AS period,
    'service' AS dimension,
    coalesce(service, 'unknown') AS value,
    coalesce(sum(list_cost) FILTER (is_covered), 0) AS numerator,
    sum(list_cost) AS denominator,
    currency
FROM usage_sums
WHERE day IS NOT NULL AND is_committable AND NOT is_unused
GROUP BY ALL
HAVING NOT bool_or(NOT is_priced AND cost <> 0) AND denominator > 0
