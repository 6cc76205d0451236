-- How many days old the newest usage on the bill is.
--
-- Grain   one row per payer with usage, for the day of the logical time
-- Value   numerator: days from the end of the last usage to the logical time, cut to millionths; not a ratio, not money
-- Reads   bill_ends
-- Source  FinOps Foundation KPI library, data freshness; told in days of the logical time, never by a clock
SELECT
    strftime($as_of, '%Y-%m-%d') AS period,
    'payer' AS dimension,
    payer AS value,
    CAST((epoch_us($as_of) - epoch_us(data_through)) // 86400 AS DECIMAL(18, 0)) * 0.000001 AS numerator,
    NULL AS denominator,
    NULL AS currency
FROM bill_ends
WHERE data_through IS NOT NULL
