-- How much of the cost of instances that could be Graviton's is that of Graviton, day by day.
--
-- Grain   one row per usage day, provider and currency
-- Value   numerator: amortised cost of Graviton instances; denominator: of all EC2 instances but those with Windows
-- Reads   usage_sums (AWS; of RunInstances 0002, 0006, 0102, 0202 and 0800 are Windows, which Graviton does not run)
-- Source  AWS Cloud Intelligence Dashboards, KPI tracker: Graviton / eligible cost; EC2 usage operation values
SELECT
    day AS period,
    'provider' AS dimension,
    provider AS value,
    coalesce(sum(cost) FILTER (is_graviton), 0) AS numerator,
    sum(cost) AS denominator,
    currency
FROM usage_sums
WHERE day IS NOT NULL AND is_amortized AND instance_market IS NOT NULL
    AND NOT regexp_matches(coalesce(operation, ''), ':0(002|006|102|202|800)')
GROUP BY ALL
HAVING denominator > 0
