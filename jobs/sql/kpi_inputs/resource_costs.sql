-- What the resources cost that findings are about, and what of it the bill knows.
--
-- Grain   one row per provider and currency
-- Value   cost: monthly list cost; matched_cost: of resources that lines of the bill match; both in `currency`
-- Reads   findings_current (open and reopened, with a price; the cost of a scope is no match)
-- Source  a resource counts once, at its dearest
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
SELECT provider, currency, sum(cost) AS cost, coalesce(sum(cost) FILTER (is_matched), 0) AS matched_cost
FROM resource
GROUP BY provider, currency
