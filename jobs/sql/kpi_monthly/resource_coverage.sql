-- How much of the cost of usage the bill gives with the resource it is of, month by month.
--
-- Grain   one row per month of usage, provider and currency
-- Value   numerator: cost of usage with a resource id; denominator: cost of all usage; both in `currency`
-- Reads   usage_sums (usage only: a tax or a credit belongs to no resource; nor does what is unused of a commitment)
-- Source  what no finding can ever be matched with
SELECT
    month AS period,
    'provider' AS dimension,
    coalesce(provider, 'unknown') AS value,
    coalesce(sum(cost) FILTER (names_resource), 0) AS numerator,
    sum(cost) AS denominator,
    currency
FROM usage_sums
WHERE is_usage AND NOT is_unused
GROUP BY ALL
HAVING denominator > 0
