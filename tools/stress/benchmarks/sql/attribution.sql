-- Findings with their billed cost and the billing rows behind it in one query, for a bill of daily lines in one
-- currency that names ids as findings do.
WITH piece AS (
    SELECT
        provider, account_id, resource_id, region, payer_account_id, service, usage_type, unit, currency,
        cost_basis AS basis, commitment_id, billing_period, source_file, invoice_final,
        sum(cost_primary) FILTER (usage_start >= $as_of - INTERVAL 7 DAY) AS cost_7d,
        sum(cost_primary) FILTER (usage_start >= $as_of - INTERVAL 30 DAY) AS cost_30d,
        sum(cost_primary) FILTER (usage_start >= date_trunc('month', $as_of)) AS cost_mtd,
        sum(cost_primary) FILTER (
            usage_start >= date_trunc('month', $as_of) - INTERVAL 1 MONTH AND usage_start < date_trunc('month', $as_of)
        ) AS cost_prev_month,
        sum(quantity) FILTER (usage_start >= $as_of - INTERVAL 30 DAY) AS quantity_30d,
        count(*) FILTER (usage_start >= $as_of - INTERVAL 30 DAY) AS lines
    FROM cur_facts
    WHERE usage_start < $as_of AND usage_start >= date_trunc('month', $as_of) - INTERVAL 1 MONTH
    GROUP BY ALL
),
cell AS (
    SELECT
        provider, account_id, resource_id, region, payer_account_id, service, usage_type, unit, currency, basis,
        commitment_id,
        sum(cost_7d) AS cost_7d, sum(cost_30d) AS cost_30d, sum(cost_mtd) AS cost_mtd,
        sum(cost_prev_month) AS cost_prev_month, sum(quantity_30d) AS quantity_30d, sum(lines)::BIGINT AS lines,
        list(billing_period) FILTER (lines > 0) AS billing_periods,
        list(source_file) FILTER (lines > 0) AS source_files,
        bool_and(invoice_final) FILTER (lines > 0) AS invoice_final
    FROM piece
    GROUP BY ALL
),
billed AS (
    SELECT
        provider, account_id, resource_id,
        sum(cost_7d) AS cost_7d, sum(cost_30d) AS cost_30d, sum(cost_mtd) AS cost_mtd,
        sum(cost_prev_month) AS cost_prev_month,
        list(cell) AS evidence_rows
    FROM cell
    GROUP BY provider, account_id, resource_id
)
SELECT
    findings.* EXCLUDE (actual), evidence_rows,
    struct_pack(
        cost_7d := coalesce(cost_7d, 0)::DECIMAL(18, 6),
        cost_30d := coalesce(cost_30d, 0)::DECIMAL(18, 6),
        cost_mtd := coalesce(cost_mtd, 0)::DECIMAL(18, 6),
        cost_prev_month := coalesce(cost_prev_month, 0)::DECIMAL(18, 6),
        method := 'exact'
    ) AS actual
FROM findings LEFT JOIN billed USING (provider, account_id, resource_id)
