-- A first run's current findings with net savings in one query, where no finding lost to a loser.
WITH finding AS (
    SELECT * FROM enriched WHERE coalesce(len(source_fingerprints), 0) = 0
),
claimed AS (
    SELECT
        fingerprint, account_id, region, estimated.monthly_savings AS gross,
        list_position(['delete', 'release', 'stop', 'rightsize', 'migrate', 'upgrade', 'review'], action.kind) AS rank,
        unnest(CASE WHEN contains(evidence, '"covers":["') THEN json_extract_string(evidence, '$.covers[*]')
            ELSE [resource_id] END) AS claimed_id
    FROM finding
),
contest AS (
    SELECT
        fingerprint,
        first_value(fingerprint) OVER (
            PARTITION BY account_id, region, claimed_id ORDER BY rank, gross DESC, fingerprint
        ) AS strongest
    FROM claimed
),
settled AS (
    SELECT fingerprint, min(strongest) FILTER (strongest <> fingerprint) AS excluded_by FROM contest GROUP BY fingerprint
)
SELECT
    finding.*,
    struct_pack(state := 'open', first_seen := $as_of, last_seen := $as_of) AS lifecycle,
    struct_pack(
        gross := estimated.monthly_savings,
        net := CASE WHEN excluded_by IS NOT NULL THEN 0 ELSE least(
            estimated.monthly_savings,
            CASE WHEN actual.days_with_data >= 30 THEN greatest(actual.cost_30d, 0) ELSE estimated.monthly_cost END
        ) END::DECIMAL(18, 6),
        excluded_by := excluded_by
    ) AS savings
FROM finding LEFT JOIN settled USING (fingerprint)
