-- What a payer's billing period comes to, on which basis it counts, and whether its amortisation adds up.
--
-- Grain   one row per payer, billing period and currency
-- Value   sums in `currency`; a basis that some line lacks has no sum; cost_basis is one per payer and period
-- Reads   sums (of every file, as sums.sql gives them)
-- Source  net amortised before amortised before net unblended before unblended; identity: amortised = unblended
--         - upfront fees + their amortisation, so that residual is 0 when every line type is counted once;
--         net_residual is what net and gross differ by: discounts move cost between lines and take none away
WITH added AS (
    SELECT
        payer,
        billing_period,
        currency,
        CAST(sum(rows) AS BIGINT) AS lines,
        CASE WHEN sum(unblended_lines) = lines THEN sum(unblended) END AS unblended,
        CASE WHEN sum(net_unblended_lines) = lines THEN sum(net_unblended) END AS net_unblended,
        CASE WHEN sum(amortized_lines) = lines THEN sum(amortized) END AS amortized,
        CASE WHEN sum(net_amortized_lines) = lines THEN sum(net_amortized) END AS net_amortized,
        sum(list) AS list,
        sum(upfront_fee) AS upfront_fee,
        sum(amortized_upfront) AS amortized_upfront,
        bool_and(invoice_final) AS invoice_final
    FROM sums
    GROUP BY payer, billing_period, currency
)
SELECT
    payer,
    billing_period,
    currency,
    lines AS rows,
    unblended,
    net_unblended,
    amortized,
    net_amortized,
    list,
    CASE
        WHEN bool_and(net_amortized IS NOT NULL) OVER bill THEN 'net_amortized'
        WHEN bool_and(amortized IS NOT NULL) OVER bill THEN 'amortized'
        WHEN bool_and(net_unblended IS NOT NULL) OVER bill THEN 'net_unblended'
        ELSE 'unblended'
    END AS cost_basis,
    amortized - (unblended - upfront_fee + amortized_upfront) AS residual,
    net_unblended - unblended AS net_residual,
    invoice_final
FROM added
WINDOW bill AS (PARTITION BY payer, billing_period)
ORDER BY payer, billing_period, currency
