-- Findings with their billed cost in one query, for a bill of daily lines in one currency that names ids as findings do.
WITH billed AS (
    SELECT
        provider, account_id, resource_id,
        sum(cost_primary) FILTER (usage_start >= $as_of - INTERVAL 7 DAY) AS cost_7d,
        sum(cost_primary) FILTER (usage_start >= $as_of - INTERVAL 30 DAY) AS cost_30d,
        sum(cost_primary) FILTER (usage_start >= date_trunc('month', $as_of)) AS cost_mtd,
        sum(cost_primary) FILTER (
            usage_start >= date_trunc('month', $as_of) - INTERVAL 1 MONTH AND usage_start < date_trunc('month', $as_of)
        ) AS cost_prev_month
    FROM cur_facts
    WHERE usage_start < $as_of
    GROUP BY ALL
)
SELECT
    findings.* EXCLUDE (actual),
    struct_pack(
        cost_7d := coalesce(cost_7d, 0)::DECIMAL(18, 6),
        cost_30d := coalesce(cost_30d, 0)::DECIMAL(18, 6),
        cost_mtd := coalesce(cost_mtd, 0)::DECIMAL(18, 6),
        cost_prev_month := coalesce(cost_prev_month, 0)::DECIMAL(18, 6),
        method := 'exact'
    ) AS actual
FROM findings LEFT JOIN billed USING (provider, account_id, resource_id)
