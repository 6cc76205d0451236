-- What every value of a tag cost, day by day, over the 30 whole days before the logical time.
--
-- Grain   one row per usage day, tag key (dimension `tag:<key>`), value and currency
-- Value   numerator: cost in `currency`, on the basis the bill was ingested with; not a ratio
-- Reads   tag_sums (the 20 most frequent keys; of each the rows of a day add up to its facts, for `untagged` is without
--         the key and `other` any value but the 50 that cost most)
-- Source  FinOps Foundation KPI library, allocated cost
SELECT
    day AS period,
    'tag:' || key AS dimension,
    value,
    sum(cost) AS numerator,
    NULL AS denominator,
    currency
FROM tag_sums
WHERE day IS NOT NULL
GROUP BY ALL
HAVING count(cost) > 0
