-- How much of a closed month's bill was changed after its end.
--
-- Grain   one row per closed billing period, payer and currency
-- Value   numerator: what every later delivery changed it by, added up without sign; denominator: its cost as it is;
--         both as billed, or amortised where the bill does not say what is billed, in `currency`
-- Reads   cur_ingests (what came before the end of its month restates nothing; a month that was changed nobody knows
--         when is left out)
-- Source  FinOps Foundation KPI library, data quality; AWS: months change after their end by credits, refunds, support
SELECT
    billing_period AS period,
    'payer' AS dimension,
    coalesce(payer_account_id, 'unknown') AS value,
    coalesce(sum(abs(coalesce(delta_unblended, delta_amortized))) FILTER (
        replaced > 0 AND strftime(as_of, '%Y-%m') > billing_period
    ), 0) AS numerator,
    arg_max(coalesce(unblended, amortized), sequence) AS denominator,
    currency
FROM cur_ingests
WHERE rows > 0 AND billing_period < strftime($as_of, '%Y-%m')
GROUP BY ALL
HAVING denominator > 0 AND NOT bool_or(replaced > 0 AND as_of IS NULL)
