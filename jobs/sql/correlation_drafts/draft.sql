-- What a meta-finding says beside what its head says: its members' fingerprints, their savings without double count.
--
-- Grain   one row per rule and head finding
-- Value   draft columns; monthly_savings and monthly_cost in `currency` over the members that count, 0 known = null;
--         missing_price null where a member has a price, else the head's own stands
-- Reads   members (check_id, title, head_fingerprint, fingerprint, and of the finding member_check_id, resource_id,
--         monthly_savings, monthly_cost, currency, price_date), standing (per check_id/head_fingerprint)
-- Source  evidence lists at most 100 members, because evidence is limited to 65,536 bytes; source_fingerprints has all
WITH member AS (
    SELECT members.*, coalesce(standing.counts, false) AS counted
    FROM members
    LEFT JOIN standing
        ON standing.fingerprint = members.fingerprint
        AND standing.scope = members.check_id || '/' || members.head_fingerprint
),
grouped AS (
    SELECT
        check_id,
        title,
        head_fingerprint,
        list(fingerprint ORDER BY fingerprint) AS source_fingerprints,
        list({
            'check_id': member_check_id,
            'counted': counted,
            'fingerprint': fingerprint,
            'monthly_savings': monthly_savings::VARCHAR,
            'resource_id': resource_id
        } ORDER BY fingerprint) AS listed,
        sum(monthly_savings) AS gross,
        sum(monthly_savings) FILTER (counted) AS saving,
        sum(monthly_cost) FILTER (counted) AS cost,
        count(*) FILTER (monthly_savings IS NULL) AS unpriced,
        count(DISTINCT currency) FILTER (monthly_savings IS NOT NULL) AS currencies,
        any_value(currency) FILTER (monthly_savings IS NOT NULL) AS currency,
        min(price_date) AS price_date
    FROM member
    GROUP BY check_id, title, head_fingerprint
)
SELECT
    check_id,
    title,
    head_fingerprint,
    source_fingerprints,
    json_object(
        'double_count_removed', (gross - saving)::VARCHAR,
        'gross', gross::VARCHAR,
        'members', listed[:100],
        'members_total', len(listed)
    )::VARCHAR AS evidence,
    CASE WHEN currencies = 1 THEN saving END AS monthly_savings,
    CASE WHEN currencies = 1 THEN cost END AS monthly_cost,
    CASE WHEN currencies = 1 THEN grouped.currency END AS currency,
    CASE WHEN currencies <> 1 THEN 'unknown' WHEN unpriced > 0 THEN 'lower_bound' ELSE 'estimated' END AS status,
    CASE WHEN currencies > 1 THEN 'the members are in several currencies' END AS missing_price,
    currencies = 0 AS is_unpriced,
    price_date
FROM grouped
ORDER BY check_id, head_fingerprint
