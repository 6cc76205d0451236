-- How far the bill of each payer tells.
--
-- Grain   one row per payer with usage
-- Value   data_through: the end of the last usage, at most the logical time
-- Reads   cur_facts (usage: fees and taxes are dated to the whole month before it is over)
-- Source  services are delivered at different times of a day: the last day may still be incomplete
SELECT
    coalesce(payer_account_id, 'unknown') AS payer,
    least(max(greatest(usage_end, usage_start)), $as_of) AS data_through
FROM cur_facts
WHERE coalesce(charge_category, 'Usage') = 'Usage'
GROUP BY ALL
