-- The facts among a bill's lines, as the table has them.
--
-- Grain   one row per line that is a fact
-- Value   cost_primary is the best basis that this line has: wrong where the period has a worse one (rebased.sql)
-- Reads   outcomes
-- Source  every other line takes a number of the sequence passed_over, which counts them in the one pass over the file
SELECT
    provider,
    payer_account_id,
    billing_period,
    account_id,
    region,
    service,
    resource_id,
    make_timestamptz(epoch_us(usage_start)) AS usage_start,
    make_timestamptz(epoch_us(usage_end)) AS usage_end,
    charge_category,
    charge_class,
    line_item_type,
    usage_type,
    operation,
    quantity,
    unit,
    coalesce(net_amortized_cost, amortized_cost, net_unblended_cost, unblended_cost) AS cost_primary,
    unblended_cost,
    net_unblended_cost,
    amortized_cost,
    net_amortized_cost,
    list_cost,
    CASE
        WHEN net_amortized_cost IS NOT NULL THEN 'net_amortized'
        WHEN amortized_cost IS NOT NULL THEN 'amortized'
        WHEN net_unblended_cost IS NOT NULL THEN 'net_unblended'
        ELSE 'unblended'
    END::ENUM('net_amortized', 'amortized', 'net_unblended', 'unblended') AS cost_basis,
    currency,
    commitment_id,
    commitment_kind,
    invoice_final,
    $source AS source_file,
    tags,
    upfront_fee,
    amortized_upfront
FROM outcomes
WHERE CASE WHEN outcome = 'fact' THEN true ELSE nextval('passed_over') = 0 END
