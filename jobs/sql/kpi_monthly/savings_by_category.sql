-- What could be saved now, by the kind of waste: the part that counts, of the part that is claimed.
--
-- Grain   one row per category and currency, for the month of the logical time
-- Value   numerator: net monthly saving; denominator: gross monthly saving, in `currency`
-- Reads   finding_sums (open and reopened, with a known net saving)
-- Source  FinOps Foundation KPI library, potential savings; net so that no resource is counted twice
SELECT
    strftime($as_of, '%Y-%m') AS period,
    'category' AS dimension,
    category AS value,
    sum(net) AS numerator,
    sum(gross) AS denominator,
    currency
FROM finding_sums
WHERE net IS NOT NULL
GROUP BY category, currency
