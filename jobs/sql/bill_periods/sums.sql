-- What the facts of one file add up to.
--
-- Grain   one row per payer, billing period and currency
-- Value   sums in `currency`; `..._lines` count the lines that have a basis; lowest and highest are of the lines' best
-- Reads   staged (facts)
-- Source  sums of decimals: they are exact, in whatever order and however the files are cut
SELECT
    payer_account_id AS payer,
    billing_period,
    currency,
    count(*) AS rows,
    sum(unblended_cost) AS unblended,
    sum(net_unblended_cost) AS net_unblended,
    sum(amortized_cost) AS amortized,
    sum(net_amortized_cost) AS net_amortized,
    sum(list_cost) AS list,
    sum(upfront_fee) AS upfront_fee,
    sum(amortized_upfront) AS amortized_upfront,
    count(unblended_cost) AS unblended_lines,
    count(net_unblended_cost) AS net_unblended_lines,
    count(amortized_cost) AS amortized_lines,
    count(net_amortized_cost) AS net_amortized_lines,
    bool_and(coalesce(invoice_final, false)) AS invoice_final,
    min(cost_basis) AS lowest_basis,
    max(cost_basis) AS highest_basis
FROM staged
GROUP BY ALL
ORDER BY ALL
