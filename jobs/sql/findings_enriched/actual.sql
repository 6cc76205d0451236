-- Every finding with what its resources were really billed.
--
-- Grain   one row per fingerprint
-- Value   actual: cost per window in `currency` on `basis`; 0 where the bill covers the window without a line, null
--         where it does not cover it; without a match all null with a reason
-- Reads   findings, claims, lines, services, providers, windows (name, since, until)
-- Source  methods and their confidence: ids byte-equal 1, equal after parsing the ARN 0.98, other resources' 0.75;
--         a sum is as sure as its least sure line, and as complete as its least complete service
WITH claimed AS (
    SELECT fingerprint, count(DISTINCT claimed_id) AS claims, bool_or(related) AS related
    FROM claims
    GROUP BY fingerprint
),
billed AS (
    SELECT
        fingerprint,
        sum(cost_7d) AS cost_7d,
        sum(cost_30d) AS cost_30d,
        sum(cost_mtd) AS cost_mtd,
        sum(cost_prev_month) AS cost_prev_month,
        sum(placed) AS placed,
        count(DISTINCT claimed_id) FILTER (placed > 0) AS matched,
        count(DISTINCT currency) FILTER (placed > 0) AS currencies,
        min(currency) FILTER (placed > 0) AS currency,
        string_agg(DISTINCT basis, '+' ORDER BY basis) FILTER (placed > 0) AS basis,
        bool_and(matched_key = claimed_id) FILTER (placed > 0) AS byte_equal
    FROM lines
    GROUP BY fingerprint
),
told AS (
    SELECT
        fingerprint,
        min(data_through) AS data_through,
        min(days_7d) AS days_7d,
        min(days_30d) AS days_30d,
        min(days_mtd) AS days_mtd,
        min(days_prev_month) AS days_prev_month
    FROM (SELECT DISTINCT fingerprint, provider, payer_account_id, service FROM lines WHERE placed > 0)
    JOIN services USING (provider, payer_account_id, service)
    GROUP BY fingerprint
),
judged AS (
    SELECT
        findings.fingerprint, claims, related, matched, byte_equal,
        billed.* EXCLUDE (fingerprint, matched, byte_equal), told.* EXCLUDE (fingerprint),
        CASE
            WHEN currencies > 1 THEN 'mixed_currencies'
            WHEN placed > 0 THEN NULL
            WHEN providers.provider IS NULL THEN 'no_cur'
            WHEN NOT names_resources THEN 'no_resource_ids'
            WHEN placed = 0 OR NOT in_windows THEN 'not_in_window'
            WHEN try_cast(json_extract_string(try_cast(evidence AS JSON), '$.created_at') AS TIMESTAMPTZ) >= through
                THEN 'new_resource'
            ELSE 'not_in_bill'
        END AS unmatched,
        -- The first moment of a month has no month to date yet: nothing was spent in no time.
        (SELECT bool_or(since = until) FROM windows WHERE name = 'cost_mtd') AS no_mtd
    FROM findings
    LEFT JOIN claimed USING (fingerprint)
    LEFT JOIN billed USING (fingerprint)
    LEFT JOIN told USING (fingerprint)
    LEFT JOIN providers ON providers.provider = findings.provider
),
actual AS (
    SELECT
        fingerprint,
        CASE WHEN unmatched IS NOT NULL THEN 'none' WHEN related THEN 'attachment' WHEN byte_equal THEN 'exact'
            ELSE 'normalized_arn' END AS how,
        struct_pack(
            cost_7d := CASE WHEN how = 'none' THEN NULL WHEN days_7d > 0 THEN coalesce(cost_7d, 0)
                ELSE cost_7d END::DECIMAL(18, 6),
            cost_30d := CASE WHEN how = 'none' THEN NULL WHEN days_30d > 0 THEN coalesce(cost_30d, 0)
                ELSE cost_30d END::DECIMAL(18, 6),
            cost_mtd := CASE WHEN how = 'none' THEN NULL WHEN days_mtd > 0 OR no_mtd THEN coalesce(cost_mtd, 0)
                ELSE cost_mtd END::DECIMAL(18, 6),
            cost_prev_month := CASE WHEN how = 'none' THEN NULL WHEN days_prev_month > 0 THEN coalesce(cost_prev_month, 0)
                ELSE cost_prev_month END::DECIMAL(18, 6),
            currency := CASE WHEN how <> 'none' THEN currency END,
            basis := CASE WHEN how <> 'none' THEN basis END,
            method := how,
            confidence := CASE how WHEN 'exact' THEN 1 WHEN 'normalized_arn' THEN 0.98 WHEN 'attachment' THEN 0.75
                ELSE 0 END,
            reason := CASE WHEN how = 'none' THEN unmatched WHEN matched < claims THEN 'partly_in_bill' END,
            days_with_data := CASE WHEN how <> 'none' THEN coalesce(days_30d, 0) END,
            data_through := CASE WHEN how <> 'none' THEN data_through END
        ) AS actual
    FROM judged
)
SELECT findings.* EXCLUDE (actual), actual.actual
FROM findings
JOIN actual USING (fingerprint)
ORDER BY fingerprint
