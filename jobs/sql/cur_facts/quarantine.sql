-- The lines of a bill that are kept back, as they were read.
--
-- Grain   one row per quarantined line; of lines of somebody else nothing but their number is kept
-- Value   amount and line are the file's own text
-- Reads   outcomes
-- Source  a line without a readable date is kept with those of unknown periods
SELECT
    coalesce(billing_period, 'unknown') AS billing_period,
    provider,
    payer_account_id,
    account_id,
    reason,
    amount,
    currency,
    $source AS source_file,
    line
FROM outcomes
WHERE outcome = 'quarantined' AND reason <> 'account of somebody else'
