-- How much of the closed months that were delivered again on a day that delivery changed, over the last 30 days.
--
-- Grain   one row per day with such a delivery, payer and currency; the day of the logical time is one of them
-- Value   numerator: what the deliveries changed the months by, added up without sign; denominator: the months' cost
--         after them; both as billed, or amortised where the bill does not say what is billed, in `currency`
-- Reads   cur_ingests (a delivery that does not say when it came is on no day)
-- Source  FinOps Foundation KPI library, data quality; AWS: months change after their end by credits, refunds, support
SELECT
    strftime(as_of, '%Y-%m-%d') AS period,
    'payer' AS dimension,
    coalesce(payer_account_id, 'unknown') AS value,
    sum(abs(coalesce(delta_unblended, delta_amortized))) AS numerator,
    sum(coalesce(unblended, amortized)) AS denominator,
    currency
FROM cur_ingests
WHERE rows > 0 AND replaced > 0 AND strftime(as_of, '%Y-%m') > billing_period
    AND as_of >= date_trunc('day', $as_of) - INTERVAL 30 DAY AND as_of <= $as_of
GROUP BY ALL
HAVING denominator > 0 AND numerator IS NOT NULL
