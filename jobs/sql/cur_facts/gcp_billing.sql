-- The rows of Google Cloud's billing export as facts, credits taken off, commitment fees given to what they cover.
--
-- Grain   one row per row of the file
-- Value   costs in `currency`; what outcomes.sql decides by
-- Reads   bill (one file; absent columns are null; `unreadable` names amounts and times that are not)
-- Source  Google's own CUD queries: fees have SKUs named Commitment, covered usage credits of COMMITTED_USAGE_DISCOUNT
--         types. Shares are per billing account, currency and UTC day, and at most the credit: more is unused
WITH line AS (
    SELECT
        *,
        cost + coalesce(credits_total, 0) AS billed,
        coalesce(lower(sku_description) LIKE '%commitment%' AND commitment_credits = 0, false) AS is_fee,
        CASE WHEN is_fee THEN 0 ELSE -coalesce(commitment_credits, 0) END AS covered,
        date_trunc('day', usage_start_time) AS day
    FROM bill
),
-- Few lines: the fees of a day, and what that day's credits take away.
committed AS MATERIALIZED (SELECT * FROM line WHERE is_fee OR covered <> 0),
rates AS (
    SELECT
        billing_account_id,
        currency,
        day,
        coalesce(sum(billed) FILTER (WHERE is_fee), 0) AS fees,
        -- Decimal division would go through floats: quotients are taken of integers, in units of 1e-12.
        CAST(replace(CAST(fees AS VARCHAR), '.', '') AS HUGEINT) * 1000000000000
        // nullif(CAST(replace(CAST(sum(covered) AS VARCHAR), '.', '') AS HUGEINT), 0) AS units,
        CAST(CAST(
            CAST(greatest(least(coalesce(units, 0), 1000000000000), 0) AS VARCHAR) || 'e-12' AS DECIMAL(38, 12)
        ) AS DECIMAL(18, 12)) AS rate
    FROM committed
    GROUP BY ALL
),
given AS (
    SELECT billing_account_id, currency, day, any_value(rate) AS rate, any_value(fees) AS fees,
        sum(CAST(covered * rate AS DECIMAL(38, 12))) AS shared
    FROM committed INNER JOIN rates USING (billing_account_id, currency, day)
    GROUP BY ALL
),
allotted AS (
    SELECT line.*, billed + CAST(covered * coalesce(rate, 0) AS DECIMAL(38, 12)) AS amortized
    FROM line LEFT JOIN given USING (billing_account_id, currency, day)
    WHERE NOT is_fee
    UNION ALL
    -- No credit names its commitment: what a day leaves unused is shown at its largest fee.
    SELECT committed.*, CASE WHEN row_number() OVER (
        PARTITION BY billing_account_id, currency, day ORDER BY billed DESC, sku_id, usage_start_time
    ) = 1 THEN fees - shared ELSE 0 END AS amortized
    FROM committed INNER JOIN given USING (billing_account_id, currency, day)
    WHERE is_fee
)
SELECT
    'gcp' AS provider,
    billing_account_id AS payer_account_id,
    -- A cost can be invoiced in another month than that of its usage.
    coalesce(regexp_replace(regexp_extract(invoice_month, '^[0-9]{6}'), '^(....)(..)$', '\1-\2'),
        strftime(usage_start_time, '%Y-%m')) AS billing_period,
    project_id AS account_id,
    lower(coalesce(location_region, location_location, 'global')) AS region,
    coalesce(service_description, service_id) AS service,
    coalesce(resource_global_name, resource_name) AS resource_id,
    usage_start_time AS usage_start,
    greatest(coalesce(usage_end_time, usage_start_time), usage_start_time) AS usage_end,
    CASE
        WHEN cost_type = 'tax' THEN 'Tax'
        WHEN coalesce(cost_type, 'regular') <> 'regular' THEN 'Adjustment'
        WHEN is_fee THEN 'Purchase'
        ELSE 'Usage'
    END AS charge_category,
    CASE WHEN cost_type = 'adjustment' THEN 'Correction' END AS charge_class,
    cost_type AS line_item_type,
    coalesce(sku_description, sku_id) AS usage_type,
    CAST(NULL AS VARCHAR) AS operation,
    coalesce(usage_amount_in_pricing_units, usage_amount) AS quantity,
    CASE WHEN usage_amount_in_pricing_units IS NULL THEN usage_unit ELSE usage_pricing_unit END AS unit,
    billed AS unblended_cost,
    billed AS net_unblended_cost,
    amortized AS amortized_cost,
    amortized AS net_amortized_cost,
    cost_at_list AS list_cost,
    currency,
    commitment_credit_id AS commitment_id,
    CASE WHEN is_fee OR covered <> 0 THEN 'committed_use_discount' END AS commitment_kind,
    CAST(NULL AS BOOLEAN) AS invoice_final,
    tags,
    -- Fees are given to the days they are charged for: the amortised costs add up to the billed ones.
    CAST(0 AS DECIMAL(38, 12)) AS upfront_fee,
    CAST(0 AS DECIMAL(38, 12)) AS amortized_upfront,
    cost IS NOT NULL AS has_cost,
    false AS is_excluded,
    unreadable,
    amount,
    line
FROM allotted
