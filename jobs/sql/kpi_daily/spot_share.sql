-- How much of the cost of instances is that of Spot, day by day.
--
-- Grain   one row per usage day, provider and currency
-- Value   numerator: cost of Spot instances; denominator: cost of all EC2 instances; both amortised, in `currency`
-- Reads   usage_sums (AWS usage types BoxUsage, SpotUsage, DedicatedUsage)
-- Source  AWS Cloud Intelligence Dashboards, KPI tracker: Spot cost / usage cost
SELECT
    day AS period,
    'provider' AS dimension,
    provider AS value,
    coalesce(sum(cost) FILTER (instance_market = 'Spot'), 0) AS numerator,
    sum(cost) AS denominator,
    currency
FROM usage_sums
WHERE day IS NOT NULL AND is_amortized AND instance_market IS NOT NULL
GROUP BY ALL
HAVING denominator > 0
