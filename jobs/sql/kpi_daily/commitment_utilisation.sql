-- How much of what was committed to was used, day by day.
--
-- Grain   one row per usage day, kind of commitment and currency
-- Value   numerator: cost of what was used; denominator: cost of all committed to; both amortised, in `currency`
-- Reads   usage_sums (covered usage, and fees: what they keep when amortised is unused; not kinds with a fee for a
--         month, which says nothing of a day)
-- Source  1 - unused / total, which for a Savings Plan is used commitment / total commitment
SELECT
    day AS period,
    'commitment_kind' AS dimension,
    commitment_kind AS value,
    coalesce(sum(used_cost), 0) AS numerator,
    numerator + coalesce(sum(unused_cost), 0) AS denominator,
    currency
FROM usage_sums
WHERE day IS NOT NULL AND commitment_kind NOT IN (
    SELECT commitment_kind FROM usage_sums WHERE is_long AND is_unused AND commitment_kind IS NOT NULL
)
GROUP BY ALL
HAVING denominator > 0
