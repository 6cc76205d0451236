-- What was paid for commitments that nothing used, day by day.
--
-- Grain   one row per usage day, kind of commitment and currency
-- Value   numerator: amortised cost of what is unused, in `currency`; not a ratio
-- Reads   usage_sums (a fee for a month counts on the day it starts, as in every cost)
-- Source  AWS: amortised cost of RIFee and SavingsPlanRecurringFee lines; Azure, FOCUS: lines named unused
SELECT
    day AS period,
    'commitment_kind' AS dimension,
    coalesce(commitment_kind, 'unknown') AS value,
    sum(unused_cost) AS numerator,
    NULL AS denominator,
    currency
FROM usage_sums
WHERE day IS NOT NULL
GROUP BY ALL
HAVING count(unused_cost) > 0
