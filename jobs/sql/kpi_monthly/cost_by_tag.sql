-- What every value of a tag cost, month by month, over all that was ingested.
--
-- Grain   one row per month of usage, tag key (dimension `tag:<key>`), value and currency
-- Value   numerator: cost in `currency`, on the basis the bill was ingested with; not a ratio
-- Reads   tag_sums (the 20 most frequent keys; of each all rows add up to all facts, for `untagged` is without the key
--         and `other` any value but the 50 that cost most)
-- Source  FinOps Foundation KPI library, allocated cost
SELECT
    month AS period,
    'tag:' || key AS dimension,
    value,
    sum(cost) AS numerator,
    NULL AS denominator,
    currency
FROM tag_sums
GROUP BY ALL
HAVING count(cost) > 0
