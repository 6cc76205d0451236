-- The bill lines of each finding's resources, added up per window.
--
-- Grain   one row per finding, claimed resource, id on the bill, payer, service, usage type, unit, currency and basis
-- Value   cost per window in `currency` on `basis`, null where no line falls into the window; quantity_30d in `unit`
-- Reads   claims (with key), facts (with key), windows (name, since, until)
-- Source  a line counts where it starts; one that spans more than a day counts day by day, each by its share of time
WITH line AS (
    SELECT
        claims.fingerprint, claims.claimed_id, claims.related, facts.*,
        greatest(facts.usage_end, facts.usage_start) AS ends,
        ends - facts.usage_start > INTERVAL 1 DAY AS spans,
        epoch_us(ends) - epoch_us(facts.usage_start) AS span_us
    FROM claims
    JOIN facts USING (provider, account_id, key)
),
placed AS (
    SELECT
        line.*, windows.name,
        -- The days of a span that start inside the window; the first day starts with the line itself.
        CASE WHEN spans THEN
            epoch_us(least(ends, CASE WHEN until <= usage_start THEN usage_start ELSE until_day END))
            - epoch_us(CASE WHEN since <= usage_start THEN usage_start ELSE since_day END)
        END AS inside_us
    FROM line
    LEFT JOIN windows
        ON usage_start < until_day
        AND CASE WHEN spans THEN ends > since_day ELSE usage_start >= since AND usage_start < until END
),
-- Decimal division would go through floats: shares are quotients of integers, in units of 1e-12, rounded half up.
share AS (
    SELECT
        * EXCLUDE (name, quantity),
        CASE WHEN NOT spans OR inside_us > 0 THEN name END AS name,
        CASE WHEN spans THEN CAST(
            sign(cost_primary) * (
                (2 * abs(CAST(replace(CAST(cost_primary AS VARCHAR), '.', '') AS HUGEINT)) * inside_us + span_us)
                // (2 * span_us)
            ) || 'e-12' AS DECIMAL(38, 12)) ELSE cost_primary END AS cost,
        CASE WHEN spans THEN CAST(
            sign(quantity) * (
                (2 * abs(CAST(replace(CAST(quantity AS VARCHAR), '.', '') AS HUGEINT)) * inside_us + span_us)
                // (2 * span_us)
            ) || 'e-12' AS DECIMAL(38, 12)) ELSE quantity END AS quantity
    FROM placed
)
SELECT
    fingerprint, claimed_id, related, provider, account_id, resource_id AS matched_key, payer_account_id, service,
    usage_type, unit, currency, cost_basis AS basis,
    sum(cost) FILTER (name = 'cost_7d') AS cost_7d,
    sum(cost) FILTER (name = 'cost_30d') AS cost_30d,
    sum(cost) FILTER (name = 'cost_mtd') AS cost_mtd,
    sum(cost) FILTER (name = 'cost_prev_month') AS cost_prev_month,
    sum(quantity) FILTER (name = 'cost_30d') AS quantity_30d,
    count(name) AS placed,
    count(*) FILTER (name = 'cost_30d') AS lines,
    list_sort(list(DISTINCT billing_period) FILTER (name = 'cost_30d')) AS billing_periods,
    list_sort(list(DISTINCT source_file) FILTER (name = 'cost_30d')) AS source_files,
    bool_and(invoice_final) FILTER (name = 'cost_30d') AS invoice_final
FROM share
GROUP BY ALL
