-- How much of what findings are about the bill knows: the cost of matched resources, of all resources with findings.
--
-- Grain   one row per provider and currency, for the day of the logical time
-- Value   numerator: monthly list cost of resources that lines of the bill match; denominator: of all with a price
-- Reads   findings_current (open and reopened; a resource counts once, at its dearest; the cost of a scope is no match)
-- Source  design: attribution, methods and confidence
WITH resource AS (
    SELECT
        provider, account_id, region, resource_id,
        estimated.currency AS currency,
        max(estimated.monthly_cost) AS cost,
        bool_or(coalesce(actual.method <> 'none' AND actual.method NOT LIKE 'scoped%', false)) AS is_matched
    FROM findings_current
    WHERE lifecycle.state IN ('open', 'reopened') AND estimated.monthly_cost IS NOT NULL
    GROUP BY ALL
)
SELECT
    strftime($as_of, '%Y-%m-%d') AS period,
    'provider' AS dimension,
    provider AS value,
    coalesce(sum(cost) FILTER (is_matched), 0) AS numerator,
    sum(cost) AS denominator,
    currency
FROM resource
GROUP BY provider, currency
HAVING denominator > 0
