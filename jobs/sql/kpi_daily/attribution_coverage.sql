-- How much of what findings are about the bill knows: the cost of matched resources, of all resources with findings.
--
-- Grain   one row per provider and currency, for the day of the logical time
-- Value   numerator: monthly list cost of resources that lines of the bill match; denominator: of all with a price
-- Reads   resource_costs
-- Source  design: attribution, methods and confidence
SELECT
    strftime($as_of, '%Y-%m-%d') AS period,
    'provider' AS dimension,
    provider AS value,
    matched_cost AS numerator,
    cost AS denominator,
    currency
FROM resource_costs
WHERE cost > 0
