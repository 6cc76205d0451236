-- The draft of a meta-finding: its head's facts, its members' fingerprints, their savings without double count.
--
-- Grain   one row per rule and head finding
-- Value   draft columns; monthly_savings and monthly_cost in `currency` over the members that count, 0 known = null
-- Reads   members (check_id, title, head_fingerprint, fingerprint), findings (the members), heads (whole findings),
--         standing (per check_id/head_fingerprint)
-- Source  evidence lists at most 100 members, because evidence is limited to 65,536 bytes; source_fingerprints has all
WITH member AS (
    SELECT
        members.check_id,
        members.title,
        members.head_fingerprint,
        findings.fingerprint,
        findings.check_id AS member_check_id,
        findings.resource_id,
        findings.estimated,
        coalesce(standing.counts, false) AS counted
    FROM members
    JOIN findings USING (fingerprint)
    LEFT JOIN standing
        ON standing.fingerprint = findings.fingerprint
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
            'monthly_savings': estimated.monthly_savings::VARCHAR,
            'resource_id': resource_id
        } ORDER BY fingerprint) AS listed,
        sum(estimated.monthly_savings) AS gross,
        sum(estimated.monthly_savings) FILTER (counted) AS saving,
        sum(estimated.monthly_cost) FILTER (counted) AS cost,
        count(*) FILTER (estimated.monthly_savings IS NULL) AS unpriced,
        count(DISTINCT estimated.currency) FILTER (estimated.monthly_savings IS NOT NULL) AS currencies,
        any_value(estimated.currency) FILTER (estimated.monthly_savings IS NOT NULL) AS currency,
        min(estimated.price_date) AS price_date
    FROM member
    GROUP BY check_id, title, head_fingerprint
)
SELECT
    head.* REPLACE (grouped.check_id AS check_id, 1 AS check_version, '' AS facet, grouped.title AS title,
        grouped.source_fingerprints AS source_fingerprints,
        json_object(
            'double_count_removed', (grouped.gross - grouped.saving)::VARCHAR,
            'gross', grouped.gross::VARCHAR,
            'members', grouped.listed[:100],
            'members_total', len(grouped.listed)
        )::VARCHAR AS evidence),
    head.action.kind AS action_kind,
    head.action."from" AS action_from,
    head.action."to" AS action_to,
    CASE WHEN currencies = 1 THEN grouped.saving END AS monthly_savings,
    CASE WHEN currencies = 1 THEN grouped.cost END AS monthly_cost,
    CASE WHEN currencies = 1 THEN grouped.currency END AS currency,
    head.estimated.basis AS basis,
    CASE WHEN currencies <> 1 THEN 'unknown' WHEN unpriced > 0 THEN 'lower_bound' ELSE 'estimated' END AS status,
    CASE
        WHEN currencies = 0 THEN coalesce(head.estimated.missing_price, 'no member has a known saving')
        WHEN currencies > 1 THEN 'the members are in several currencies'
    END AS missing_price,
    grouped.price_date AS price_date,
    head.estimated.price_source AS price_source
FROM grouped
JOIN heads AS head ON head.fingerprint = grouped.head_fingerprint
