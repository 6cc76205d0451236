-- How many lines of a bill are no facts, and what they would have cost.
--
-- Grain   one row per payer, billing period, currency, outcome and reason
-- Value   lines; cost is the unblended cost of those whose cost can be read
-- Reads   outcomes
-- Source  rows = facts + excluded + quarantined
SELECT
    payer_account_id AS payer,
    billing_period,
    currency,
    outcome,
    reason,
    count(*) AS lines,
    sum(coalesce(unblended_cost, net_amortized_cost)) AS cost
FROM outcomes
WHERE outcome <> 'fact'
GROUP BY ALL
ORDER BY ALL
