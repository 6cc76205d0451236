-- How far the bill of each payer tells of each service.
--
-- Grain   one row per provider, payer and service
-- Value   days with usage per window, and the instant up to which there is usage, at most the logical time
-- Reads   facts, windows (name, since, until)
-- Source  usage lines only: fees and taxes are dated to the whole month before it is over
WITH used AS (
    SELECT DISTINCT
        provider, payer_account_id, service,
        date_trunc('day', usage_start) AS first_day,
        CASE WHEN usage_end - usage_start > INTERVAL 1 DAY
            THEN date_trunc('day', usage_end - INTERVAL 1 MICROSECOND) ELSE first_day END AS last_day,
        max(greatest(usage_end, usage_start)) OVER (PARTITION BY provider, payer_account_id, service) AS through
    FROM facts
    WHERE coalesce(charge_category, 'Usage') = 'Usage'
),
days AS (
    SELECT DISTINCT
        provider, payer_account_id, service, through,
        unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS day
    FROM used
)
SELECT
    provider, payer_account_id, service,
    least(any_value(through), $as_of) AS data_through,
    count(*) FILTER (name = 'cost_7d') AS days_7d,
    count(*) FILTER (name = 'cost_30d') AS days_30d,
    count(*) FILTER (name = 'cost_mtd') AS days_mtd,
    count(*) FILTER (name = 'cost_prev_month') AS days_prev_month
FROM days
LEFT JOIN windows ON day >= since AND day < until
GROUP BY provider, payer_account_id, service
