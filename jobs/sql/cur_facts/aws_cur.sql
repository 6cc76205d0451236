-- The lines of an AWS Cost and Usage Report as facts, with every cost basis.
--
-- Grain   one row per line of the file
-- Value   costs in `currency`; null where the file does not say; what outcomes.sql decides by
-- Reads   bill (one file; absent columns are null; `unreadable` names amounts and times that are not), region_prefixes
-- Source  line types and amortisation: AWS's Cloud Intelligence Dashboards, summary_view; AWS CUR user guide
WITH line AS (
    SELECT
        * EXCLUDE (line_item_net_unblended_cost),
        line_item_line_item_type AS line_type,
        line_item_unblended_cost AS unblended,
        -- Discount rows carry no net cost of their own where a file has the column: it is inside the net usage.
        CASE WHEN $has_line_item_net_unblended_cost AND line_item_line_item_type LIKE '%Discount'
            THEN coalesce(line_item_net_unblended_cost, 0) ELSE line_item_net_unblended_cost END AS net,
        -- Most lines are usage: what stands first in a CASE is all that is worked out for them.
        CASE line_item_line_item_type
            WHEN 'Usage' THEN false
            WHEN 'SavingsPlanUpfrontFee' THEN true
            WHEN 'Fee' THEN reservation_reservation_a_r_n IS NOT NULL
            WHEN 'Refund' THEN line_item_product_code = 'ComputeSavingsPlans'
                AND line_item_line_item_description LIKE 'Refund for one-time fee for Savings Plan ID%'
        END AS is_upfront,
        coalesce(bill_billing_period_start_date, line_item_usage_start_date) AS period_start,
        savings_plan_total_commitment_to_date - coalesce(savings_plan_used_commitment, 0) AS sp_unused,
        -- What the payer's discount leaves of a plan's price: by its recurring part, or all upfront by that.
        CASE WHEN savings_plan_recurring_commitment_for_billing_period <> 0
            THEN savings_plan_recurring_commitment_for_billing_period
            ELSE savings_plan_amortized_upfront_commitment_for_billing_period END AS sp_gross,
        CASE WHEN savings_plan_recurring_commitment_for_billing_period <> 0
            THEN savings_plan_net_recurring_commitment_for_billing_period
            ELSE savings_plan_net_amortized_upfront_commitment_for_billing_period END AS sp_net
    FROM bill
),
costed AS (
    SELECT
        *,
        CASE
            WHEN line_type = 'Usage' THEN unblended
            WHEN line_type IS NULL THEN NULL
            WHEN line_type = 'SavingsPlanCoveredUsage' THEN savings_plan_savings_plan_effective_cost
            WHEN line_type = 'SavingsPlanNegation' OR is_upfront THEN 0
            WHEN line_type = 'SavingsPlanRecurringFee' THEN sp_unused
            WHEN line_type = 'DiscountedUsage' THEN reservation_effective_cost
            WHEN line_type = 'RIFee' THEN coalesce(
                reservation_unused_amortized_upfront_fee_for_billing_period
                + coalesce(reservation_unused_recurring_fee, 0),
                reservation_unused_recurring_fee
            )
            ELSE unblended
        END AS amortized,
        CASE
            WHEN NOT $has_line_item_net_unblended_cost OR line_type IS NULL THEN NULL
            WHEN line_type = 'Usage' THEN net
            WHEN line_type = 'SavingsPlanCoveredUsage' THEN savings_plan_net_savings_plan_effective_cost
            WHEN line_type = 'SavingsPlanNegation' OR is_upfront THEN 0
            WHEN line_type = 'SavingsPlanRecurringFee' AND sp_unused = 0 THEN 0
            -- Decimal division would go through floats: the quotient is taken of integers, in units of 1e-12, rounded.
            WHEN line_type = 'SavingsPlanRecurringFee' THEN try(CAST(CAST((
                2 * CAST(replace(CAST(sp_unused AS VARCHAR), '.', '') AS HUGEINT)
                * CAST(replace(CAST(sp_net AS VARCHAR), '.', '') AS HUGEINT)
                + CAST(replace(CAST(sp_gross AS VARCHAR), '.', '') AS HUGEINT)
            ) // nullif(2 * CAST(replace(CAST(sp_gross AS VARCHAR), '.', '') AS HUGEINT), 0) AS VARCHAR)
            || 'e-12' AS DECIMAL(38, 12)))
            WHEN line_type = 'DiscountedUsage' THEN reservation_net_effective_cost
            WHEN line_type = 'RIFee' THEN coalesce(
                reservation_net_unused_amortized_upfront_fee_for_billing_period
                + coalesce(reservation_net_unused_recurring_fee, 0),
                reservation_net_unused_recurring_fee
            )
            ELSE net
        END AS net_amortized,
        -- AWS account ids are 12 digits; a spreadsheet or an integer column loses the zeros in front.
        CASE WHEN suffix(bill_payer_account_id, '.0') THEN left(bill_payer_account_id, -2)
            ELSE bill_payer_account_id END AS payer_id,
        CASE WHEN length(payer_id) < 12 THEN lpad(payer_id, 12, '0') ELSE payer_id END AS payer,
        CASE WHEN suffix(line_item_usage_account_id, '.0') THEN left(line_item_usage_account_id, -2)
            ELSE line_item_usage_account_id END AS usage_id,
        CASE WHEN length(usage_id) < 12 THEN lpad(usage_id, 12, '0') ELSE usage_id END AS account
    FROM line
)
SELECT
    'aws'::ENUM('aws') AS provider, -- written at an eighth of a text's cost
    payer AS payer_account_id,
    strftime(period_start, '%Y-%m') AS billing_period,
    account AS account_id,
    lower(coalesce(
        product_region,
        product_region_code,
        nullif(regexp_extract(line_item_availability_zone, '^[a-z]{2}(-[a-z]+)+-[0-9]+'), ''),
        region_prefixes.region,
        'global'
    )) AS region,
    -- A Marketplace product's code is a random id.
    CASE WHEN bill_billing_entity = 'AWS Marketplace' THEN coalesce(product_product_name, line_item_product_code)
        ELSE line_item_product_code END AS service,
    line_item_resource_id AS resource_id,
    line_item_usage_start_date AS usage_start,
    greatest(line_item_usage_end_date, line_item_usage_start_date) AS usage_end,
    CASE
        WHEN line_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation') THEN 'Usage'
        WHEN line_type IN ('Tax', 'Credit') THEN line_type
        WHEN line_type IS NULL THEN NULL
        WHEN line_type LIKE '%Fee' OR line_type = 'FlatRateSubscription' THEN 'Purchase'
        ELSE 'Adjustment'
    END AS charge_category,
    CASE WHEN line_type = 'Refund' THEN 'Correction' END AS charge_class,
    line_type AS line_item_type,
    line_item_usage_type AS usage_type,
    line_item_operation AS operation,
    line_item_usage_amount AS quantity,
    pricing_unit AS unit,
    unblended AS unblended_cost,
    net AS net_unblended_cost,
    amortized AS amortized_cost,
    net_amortized AS net_amortized_cost,
    pricing_public_on_demand_cost AS list_cost,
    line_item_currency_code AS currency,
    coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) AS commitment_id,
    CASE WHEN savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'savings_plan'
        WHEN reservation_reservation_a_r_n IS NOT NULL THEN 'reservation' END AS commitment_kind,
    bill_invoice_id IS NOT NULL AS invoice_final,
    tags,
    -- The two sides of the amortisation identity beside the costs themselves.
    CASE WHEN is_upfront THEN unblended ELSE 0 END AS upfront_fee,
    coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)
    + coalesce(reservation_amortized_upfront_fee_for_billing_period, 0) AS amortized_upfront,
    unblended IS NOT NULL AS has_cost,
    -- Split cost allocation repeats what its parent instance is billed for.
    coalesce(line_item_operation IN ('EKSPod-EC2', 'ECSTask-EC2'), false) AS is_excluded,
    -- A value nobody can read matters only where this line's costs or dates come from it.
    CASE WHEN
        unreadable LIKE '%\_date%' ESCAPE '\'
        OR line_type IN ('SavingsPlanRecurringFee', 'RIFee') OR line_type LIKE '%Discount'
        OR unblended IS NULL OR amortized IS NULL
        OR ($has_line_item_net_unblended_cost AND (net IS NULL OR net_amortized IS NULL))
        THEN unreadable END AS unreadable,
    amount,
    costed.line
FROM costed
LEFT JOIN region_prefixes ON region_prefixes.prefix = split_part(line_item_usage_type, '-', 1)
