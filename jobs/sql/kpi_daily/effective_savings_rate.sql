-- What discounts of every kind save of the list price, less what unused commitments cost, day by day.
--
-- Grain   one row per usage day, provider and currency
-- Value   numerator: list cost less effective cost; denominator: list cost; both in `currency`
-- Reads   usage_sums (amortised: usage with a list price, lines of discounts, what is unused of commitments; what the
--         purchase of one is billed at is in neither part; not charges of more than a day: the month has them)
-- Source  FOCUS: list cost without purchases of commitments; usage without a list price would count as all or nothing
SELECT
    day AS period,
    'provider' AS dimension,
    provider AS value,
    sum(list_cost) FILTER (is_usage AND is_priced AND NOT is_unused) AS denominator,
    denominator - sum(cost) FILTER ((is_usage AND is_priced) OR is_unused OR line_item_type LIKE '%Discount')
        AS numerator,
    currency
FROM usage_sums
WHERE day IS NOT NULL AND is_amortized AND NOT is_long
GROUP BY ALL
HAVING denominator > 0
