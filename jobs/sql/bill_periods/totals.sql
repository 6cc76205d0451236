-- What the ingested lines of a bill add up to, on which basis they count, and whether their amortisation adds up.
--
-- Grain   one row per payer, billing period and currency
-- Value   sums in `currency`; a basis that some line lacks has no sum; cost_basis is one per payer and period
-- Reads   staged (facts only)
-- Source  net amortised before amortised before net unblended before unblended; identity: amortised = unblended
--         - upfront fees + their amortisation, so that residual is 0 when every line type is counted once
SELECT
    payer_account_id AS payer,
    billing_period,
    currency,
    count(*) AS rows,
    sum(unblended_cost) AS unblended,
    CASE WHEN count(net_unblended_cost) = count(*) THEN sum(net_unblended_cost) END AS net_unblended,
    CASE WHEN count(amortized_cost) = count(*) THEN sum(amortized_cost) END AS amortized,
    CASE WHEN count(net_amortized_cost) = count(*) THEN sum(net_amortized_cost) END AS net_amortized,
    sum(list_cost) AS list,
    CASE
        WHEN bool_and(count(net_amortized_cost) = count(*)) OVER bill THEN 'net_amortized'
        WHEN bool_and(count(amortized_cost) = count(*)) OVER bill THEN 'amortized'
        WHEN bool_and(count(net_unblended_cost) = count(*)) OVER bill THEN 'net_unblended'
        ELSE 'unblended'
    END AS cost_basis,
    amortized - (unblended - sum(upfront_fee) + sum(amortized_upfront)) AS residual
FROM staged
GROUP BY payer_account_id, billing_period, currency
WINDOW bill AS (PARTITION BY payer_account_id, billing_period)
ORDER BY payer, billing_period, currency
