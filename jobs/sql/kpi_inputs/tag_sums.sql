-- What every value of a tag cost, for the 20 tag keys on most lines and the 50 values of each that cost most.
--
-- Grain   one row per month, day, tag key, value and currency; day is null outside the days told one by one
-- Value   cost: sum of the primary cost in `currency`. Every key adds up to all facts: what its further values cost is
--         `other`, what lines without the key cost is `untagged`
-- Reads   cur_facts (every line, whatever its type, on the day it starts)
-- Source  FinOps Foundation KPI library, allocated cost. A tag that names resources has as many values as there are
--         resources; which are kept is decided over all facts, so that months compare
WITH line AS MATERIALIZED (
    SELECT
        make_timestamp(epoch_us(usage_start))::DATE AS date,
        CASE WHEN usage_start IS NULL THEN billing_period END AS undated,
        currency,
        tags,
        sum(cost_primary) AS cost,
        count(*) AS lines
    FROM cur_facts
    GROUP BY ALL
),
total AS (
    SELECT date, undated, currency, sum(cost) AS cost, sum(lines) AS lines FROM line GROUP BY ALL
),
tagged AS MATERIALIZED (
    SELECT date, undated, currency, tag.key AS key, tag.value AS value, sum(cost) AS cost, sum(lines) AS lines
    FROM (SELECT date, undated, currency, cost, lines, unnest(map_entries(tags)) AS tag FROM line)
    GROUP BY ALL
),
common_key AS (
    SELECT key FROM tagged GROUP BY key ORDER BY sum(lines) DESC, key LIMIT 20
),
costly_value AS (
    SELECT key, value, currency
    FROM tagged
    GROUP BY key, value, currency
    QUALIFY row_number() OVER (PARTITION BY key, currency ORDER BY abs(sum(cost)) DESC NULLS LAST, value) <= 50
),
told AS (
    SELECT date, undated, key, coalesce(costly_value.value, 'other') AS value, tagged.currency, tagged.cost, lines
    FROM tagged
    INNER JOIN common_key USING (key)
    LEFT JOIN costly_value
        ON tagged.key = costly_value.key AND tagged.value = costly_value.value
        AND tagged.currency IS NOT DISTINCT FROM costly_value.currency
    UNION ALL
    SELECT date, undated, key, 'untagged', currency, cost, lines FROM total CROSS JOIN common_key
    UNION ALL
    SELECT date, undated, key, 'untagged', currency, -cost, -lines FROM tagged INNER JOIN common_key USING (key)
)
SELECT
    coalesce(strftime(date, '%Y-%m'), undated) AS month,
    CASE WHEN date >= $since::DATE AND date < $as_of::DATE THEN strftime(date, '%Y-%m-%d') END AS day,
    key,
    value,
    currency,
    sum(cost) AS cost
FROM told
GROUP BY ALL
HAVING sum(lines) > 0
