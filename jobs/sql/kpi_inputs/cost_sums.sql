-- What every account, service, region and charge category cost: the facts added up once, for all KPIs that tell it.
--
-- Grain   one row per month, day, dimension, value and currency; day is null outside the days told one by one
-- Value   cost: sum of the primary cost in `currency`; null where no line has one
-- Reads   cur_facts (every line, whatever its type, on the day it starts: each dimension adds up to all facts)
-- Source  currency is part of the grain, and never added; a line without usage time counts in its billing period
WITH line AS (
    SELECT
        make_timestamp(epoch_us(usage_start))::DATE AS date,
        CASE WHEN usage_start IS NULL THEN billing_period END AS undated,
        account_id, service, region, charge_category, currency,
        sum(cost_primary) AS cost
    FROM cur_facts
    GROUP BY ALL
),
summed AS (
    SELECT
        date, undated, account_id, service, region, charge_category, currency,
        CASE
            WHEN grouping(account_id) = 0 THEN 'account'
            WHEN grouping(service) = 0 THEN 'service'
            WHEN grouping(region) = 0 THEN 'region'
            ELSE 'charge_category'
        END AS dimension,
        sum(cost) AS cost
    FROM line
    GROUP BY date, undated, currency, GROUPING SETS (account_id, service, region, charge_category)
)
SELECT
    coalesce(strftime(date, '%Y-%m'), undated) AS month,
    CASE WHEN date >= $since::DATE AND date < $as_of::DATE THEN strftime(date, '%Y-%m-%d') END AS day,
    dimension,
    coalesce(account_id, service, region, charge_category, 'unknown') AS value,
    currency,
    sum(cost) AS cost
FROM summed
GROUP BY ALL
