-- Findings with their billed cost in one query, for a bill of daily lines in one currency that names bare ids.
WITH every AS (
    SELECT * FROM findings
    UNION ALL BY NAME
    SELECT * FROM correlated
),
claimed AS (
    SELECT
        fingerprint, account_id,
        unnest(CASE WHEN len(covers) > 0 THEN covers ELSE [resource_id] END) AS resource_id,
        coalesce(len(covers), 0) > 0 AS related
    FROM (
        SELECT
            fingerprint, account_id, resource_id,
            CASE WHEN contains(evidence, '"covers"') THEN json_extract_string(evidence, '$.covers[*]') END AS covers
        FROM findings
    )
),
claim AS (
    SELECT * FROM claimed
    UNION ALL
    SELECT DISTINCT meta.fingerprint, account_id, resource_id, true
    FROM (SELECT fingerprint, unnest(source_fingerprints) AS source FROM correlated) AS meta
    JOIN claimed ON claimed.fingerprint = meta.source
),
billed AS (
    SELECT
        account_id, resource_id,
        sum(cost_primary) FILTER (usage_start >= $as_of - INTERVAL 7 DAY) AS cost_7d,
        sum(cost_primary) FILTER (usage_start >= $as_of - INTERVAL 30 DAY) AS cost_30d,
        sum(cost_primary) FILTER (usage_start >= date_trunc('month', $as_of)) AS cost_mtd,
        sum(cost_primary) FILTER (
            usage_start >= date_trunc('month', $as_of) - INTERVAL 1 MONTH AND usage_start < date_trunc('month', $as_of)
        ) AS cost_prev_month
    FROM cur_facts
    WHERE usage_start < $as_of
    GROUP BY ALL
),
-- What the bill does not name has the cost of its service there as context.
scope AS (
    SELECT DISTINCT account_id, region, true AS is_billed
    FROM cur_facts
    WHERE usage_start < $as_of AND usage_start >= $as_of - INTERVAL 30 DAY
),
costed AS (
    SELECT
        fingerprint, bool_or(related) AS related,
        sum(cost_7d) AS cost_7d, sum(cost_30d) AS cost_30d, sum(cost_mtd) AS cost_mtd,
        sum(cost_prev_month) AS cost_prev_month
    FROM claim JOIN billed USING (account_id, resource_id)
    GROUP BY fingerprint
)
SELECT
    every.* EXCLUDE (actual),
    struct_pack(
        cost_7d := CASE WHEN related IS NOT NULL THEN coalesce(cost_7d, 0) END::DECIMAL(18, 6),
        cost_30d := CASE WHEN related IS NOT NULL THEN coalesce(cost_30d, 0) END::DECIMAL(18, 6),
        cost_mtd := CASE WHEN related IS NOT NULL THEN coalesce(cost_mtd, 0) END::DECIMAL(18, 6),
        cost_prev_month := CASE WHEN related IS NOT NULL THEN coalesce(cost_prev_month, 0) END::DECIMAL(18, 6),
        method := CASE
            WHEN related IS NULL AND is_billed AND source_fingerprints IS NULL THEN 'scoped_rollup_service'
            WHEN related IS NULL THEN 'none' WHEN related THEN 'attachment' ELSE 'exact' END
    ) AS actual
FROM every
LEFT JOIN costed USING (fingerprint)
LEFT JOIN scope USING (account_id, region)
