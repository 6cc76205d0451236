-- The rows of a FOCUS data set as facts.
--
-- Grain   one row per row of the file
-- Value   costs in `currency`, BilledCost and EffectiveCost as they are; what outcomes.sql decides by
-- Reads   bill (one file; absent columns are null; `unreadable` names amounts and times that are not)
-- Source  FOCUS 1.0 to 1.4. Of a row that belongs to no prepaid purchase or commitment, EffectiveCost is BilledCost:
--         what differs on such rows is the residual of the period
WITH line AS (
    SELECT
        *,
        lower(coalesce(service_provider, publisher)) AS name,
        CASE
            WHEN name LIKE 'aws%' OR name LIKE 'amazon%' THEN 'aws'
            WHEN name LIKE '%microsoft%' OR name LIKE '%azure%' THEN 'azure'
            WHEN name LIKE '%google%' OR name = 'gcp' THEN 'gcp'
            WHEN name LIKE '%oracle%' OR name = 'oci' THEN 'oci'
            ELSE regexp_replace(name, '[^a-z0-9]+', '_', 'g')
        END AS provider,
        regexp_replace(billing_account_id, '\.0$', '') AS payer,
        -- Azure writes /subscriptions/<id>; an integer column loses the zeros in front of AWS's 12 digits.
        regexp_replace(regexp_replace(sub_account_id, '^/subscriptions/', '', 'i'), '\.0$', '') AS account,
        charge_category = 'Purchase' OR commitment_discount_id IS NOT NULL AS is_prepaid,
        coalesce(billing_period_start, charge_period_start) AS period_start
    FROM bill
)
SELECT
    provider,
    CASE WHEN provider = 'aws' AND length(payer) < 12 THEN lpad(payer, 12, '0') ELSE payer END AS payer_account_id,
    strftime(period_start, '%Y-%m') AS billing_period,
    CASE
        WHEN provider = 'aws' AND length(account) < 12 THEN lpad(account, 12, '0')
        WHEN provider = 'azure' THEN lower(account)
        ELSE account
    END AS account_id,
    lower(coalesce(
        CASE WHEN provider = 'azure' THEN replace(region_id, ' ', '') ELSE region_id END,
        -- OCI leaves the id out and writes it as the name; other names are for people.
        nullif(regexp_extract(lower(region_name), '^[a-z]+(-[a-z]+)+-[0-9]+$'), ''),
        'global'
    )) AS region,
    coalesce(service_code, service_name) AS service,
    CASE WHEN provider = 'azure' THEN lower(resource_id) ELSE resource_id END AS resource_id,
    charge_period_start AS usage_start,
    greatest(coalesce(charge_period_end, charge_period_start), charge_period_start) AS usage_end,
    charge_category,
    charge_class,
    -- The status tells what a commitment covers from what of it is unused.
    concat_ws(' ', commitment_discount_status, charge_category) AS line_item_type,
    usage_type,
    operation,
    coalesce(consumed_quantity, pricing_quantity) AS quantity,
    CASE WHEN consumed_quantity IS NULL THEN pricing_unit ELSE consumed_unit END AS unit,
    billed_cost AS unblended_cost,
    billed_cost AS net_unblended_cost,
    effective_cost AS amortized_cost,
    effective_cost AS net_amortized_cost,
    list_cost,
    billing_currency AS currency,
    commitment_discount_id AS commitment_id,
    CASE
        WHEN lower(commitment_discount_type) LIKE '%saving%' THEN 'savings_plan'
        WHEN lower(commitment_discount_type) LIKE '%reserv%' THEN 'reservation'
        ELSE regexp_replace(lower(commitment_discount_type), '[^a-z0-9]+', '_', 'g')
    END AS commitment_kind,
    CASE WHEN $has_invoice_id THEN invoice_id IS NOT NULL END AS invoice_final,
    tags,
    -- The two sides of the amortisation identity beside the costs themselves.
    CASE WHEN is_prepaid THEN billed_cost ELSE 0 END AS upfront_fee,
    CASE WHEN is_prepaid THEN effective_cost ELSE 0 END AS amortized_upfront,
    billed_cost IS NOT NULL AS has_cost,
    false AS is_excluded,
    unreadable,
    amount,
    line
FROM line
