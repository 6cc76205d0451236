-- How much of what was committed to was used, month by month.
--
-- Grain   one row per month of usage, kind of commitment and currency
-- Value   numerator: cost of what was used; denominator: cost of all committed to; both amortised, in `currency`
-- Reads   usage_sums (covered usage, and fees: what they keep when amortised is unused)
-- Source  1 - unused / total, which for a Savings Plan is used commitment / total commitment
SELECT
    month AS period,
    'commitment_kind' AS dimension,
    commitment_kind AS value,
    coalesce(sum(used_cost), 0) AS numerator,
    numerator + coalesce(sum(unused_cost), 0) AS denominator,
    currency
FROM usage_sums
WHERE commitment_kind IS NOT NULL
GROUP BY ALL
HAVING denominator > 0
