-- The rows of an Azure cost export as facts: an actual one gives the unblended cost, an amortised one the amortised.
--
-- Grain   one row per row of the file
-- Value   costs in `currency`; quantity in `unit` as delivered; what outcomes.sql decides by
-- Reads   bill (one file; absent columns are null; `unreadable` names amounts and times that are not)
-- Source  Azure: an actual export has the purchases of commitments and what they cover at 0, an amortised one no such
--         purchases, what they cover at its share of them, and what of them is unused
WITH line AS (
    SELECT
        *,
        coalesce(charge_type, 'Usage') AS kind,
        coalesce(benefit_id, reservation_id) AS commitment,
        commitment IS NOT NULL OR coalesce(pricing_model IN ('Reservation', 'SavingsPlan'), false) AS is_committed,
        -- '10K', '100 Hours', '1 GB/Month': a unit's price is that of a block of so many.
        regexp_extract(unit_of_measure, '^([0-9]+) *([KMB]?)\b', ['count', 'scale']) AS block,
        CAST(nullif(struct_extract(block, 'count'), '') AS HUGEINT)
        * CASE struct_extract(block, 'scale') WHEN 'K' THEN 1000 WHEN 'M' THEN 1000000 WHEN 'B' THEN 1000000000 ELSE 1 END
            AS block_size,
        -- Older exports count blocks, not units: the line's own price and cost show it.
        abs(effective_price * quantity - cost) <= abs(cost) / 100 AND cost <> 0 AS counts_blocks,
        CAST(payg_price * quantity AS DECIMAL(38, 12)) AS payg,
        CAST(replace(CAST(payg AS VARCHAR), '.', '') AS HUGEINT) AS payg_units
    FROM bill
),
export AS (
    SELECT
        coalesce(bool_or(kind LIKE 'Unused%' OR (is_committed AND kind = 'Usage' AND cost <> 0)), false) AS amortized,
        coalesce(bool_or(is_committed AND (kind IN ('Purchase', 'Refund') OR (kind = 'Usage' AND cost = 0))), false)
        AND NOT amortized AS actual
    FROM line
)
SELECT
    'azure' AS provider,
    -- A pay-as-you-go subscription is a bill of its own.
    coalesce(billing_account_id, billing_profile_id, lower(subscription_id)) AS payer_account_id,
    strftime(coalesce(billing_period_start, usage_date), '%Y-%m') AS billing_period,
    lower(subscription_id) AS account_id,
    lower(replace(coalesce(resource_location, meter_region, location, 'global'), ' ', '')) AS region,
    coalesce(consumed_service, meter_category) AS service,
    lower(coalesce(resource_id, resource_name)) AS resource_id,
    usage_date AS usage_start,
    usage_date + INTERVAL 1 DAY AS usage_end,
    CASE
        WHEN kind LIKE 'Unused%' THEN 'Usage'
        WHEN kind IN ('Usage', 'Purchase', 'Tax') THEN kind
        ELSE 'Adjustment'
    END AS charge_category,
    CASE WHEN kind = 'Refund' THEN 'Correction' END AS charge_class,
    kind AS line_item_type,
    meter_name AS usage_type,
    CAST(NULL AS VARCHAR) AS operation,
    quantity,
    unit_of_measure AS unit,
    CASE WHEN NOT export.amortized THEN cost END AS unblended_cost,
    CAST(NULL AS DECIMAL(38, 12)) AS net_unblended_cost,
    CASE WHEN NOT export.actual THEN cost END AS amortized_cost,
    CASE WHEN NOT export.actual THEN cost END AS net_amortized_cost,
    coalesce(
        payg_cost,
        CASE WHEN counts_blocks OR coalesce(block_size, 1) = 1 THEN payg END,
        -- Decimal division would go through floats: the quotient is taken of integers, in units of 1e-12, rounded.
        CAST(CAST((2 * payg_units + block_size) // (2 * block_size) AS VARCHAR) || 'e-12' AS DECIMAL(38, 12))
    ) AS list_cost,
    upper(currency) AS currency,
    lower(commitment) AS commitment_id,
    CASE
        WHEN NOT is_committed THEN NULL
        WHEN pricing_model = 'SavingsPlan' OR kind = 'UnusedSavingsPlan' OR lower(commitment) LIKE '%/savingsplan%'
            THEN 'savings_plan'
        ELSE 'reservation'
    END AS commitment_kind,
    CASE WHEN $has_invoice_id THEN invoice_id IS NOT NULL END AS invoice_final,
    tags,
    -- Only a file of both kinds has an identity to check: nothing in it is amortised.
    CAST(0 AS DECIMAL(38, 12)) AS upfront_fee,
    CAST(0 AS DECIMAL(38, 12)) AS amortized_upfront,
    cost IS NOT NULL AS has_cost,
    false AS is_excluded,
    unreadable,
    amount,
    line
FROM line CROSS JOIN export
