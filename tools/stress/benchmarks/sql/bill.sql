-- A month of an AWS bill, legacy columns in Athena's spelling: hourly lines of 300 accounts and 400,000 resources.
--
-- In blocks of 128 lines whose costs are multiples of one price: savings plans and reservations with what they cover,
-- discounts, taxes, credits, fees, and usage. Amortisation and net costs of a whole block add up by construction.
WITH line AS (
    SELECT
        i,
        i % 128 AS j,
        (i * 7919) % 1000003 AS r,
        round((((i // 128) * 7919) % 1000003 + 1) / 1e8, 8) AS b,
        CASE
            WHEN j < 20 THEN 'SavingsPlanCoveredUsage'
            WHEN j < 25 THEN 'DiscountedUsage'
            WHEN j > 31 THEN 'Usage'
            ELSE ['SavingsPlanNegation', 'SavingsPlanRecurringFee', 'RIFee', 'EdpDiscount', 'Tax', 'Credit', 'Fee'][j - 24]
        END AS kind,
        CASE WHEN j < 25 OR j > 31 THEN 1 + j % 20 ELSE [-210, 127.5, 10.5, -115.6, 8, -4, 6][j - 24] END AS units,
        kind LIKE 'SavingsPlan%' AS is_plan,
        kind IN ('DiscountedUsage', 'RIFee') AS is_reserved
    FROM range($lines) AS lines(i)
)
SELECT
    md5(CAST(i AS VARCHAR)) AS identity_line_item_id,
    '2026-10-01T00:00:00Z/2026-10-01T01:00:00Z' AS identity_time_interval,
    'EUINGB26-' || CAST(r % 3 AS VARCHAR) AS bill_invoice_id,
    'AWS' AS bill_billing_entity,
    '999999999999' AS bill_payer_account_id,
    TIMESTAMP '2026-10-01' AS bill_billing_period_start_date,
    CAST(100000000000 + r % 300 AS VARCHAR) AS line_item_usage_account_id,
    kind AS line_item_line_item_type,
    ['AmazonEC2', 'AmazonRDS', 'AmazonS3', 'AWSLambda', 'AmazonVPC'][1 + r % 5] AS line_item_product_code,
    TIMESTAMP '2026-10-01' + INTERVAL 1 HOUR * (i * 744 // $lines) AS line_item_usage_start_date,
    line_item_usage_start_date + INTERVAL 1 HOUR AS line_item_usage_end_date,
    ['BoxUsage:m5.large', 'EBS:VolumeUsage.gp3', 'USW2-DataTransfer-Out-Bytes', 'Requests-Tier1'][1 + r % 4]
        AS line_item_usage_type,
    ['RunInstances', 'CreateVolume-Gp3', 'InterZone-Out', ''][1 + r % 4] AS line_item_operation,
    CASE WHEN j < 25 OR j > 31 THEN printf('i-%017x', (r * 31) % 400000) END AS line_item_resource_id,
    'us-east-1a' AS line_item_availability_zone,
    'USD' AS line_item_currency_code,
    '$0.096 per On Demand Linux instance hour, ' || CAST(r % 50 AS VARCHAR) AS line_item_line_item_description,
    1.0 + r % 7 AS line_item_usage_amount,
    'Hrs' AS pricing_unit,
    CASE WHEN kind = 'DiscountedUsage' THEN 0 ELSE round(b * units, 9) END AS line_item_unblended_cost,
    CASE WHEN kind = 'EdpDiscount' THEN 0 ELSE round(line_item_unblended_cost * 0.9, 10) END
        AS line_item_net_unblended_cost,
    round(b * abs(units), 9) AS pricing_public_on_demand_cost,
    ['us-east-1', 'eu-west-1', 'us-west-2'][1 + r % 3] AS product_region_code,
    'Amazon Elastic Compute Cloud' AS product_product_name,
    CASE WHEN is_reserved THEN 'arn:aws:ec2:us-east-1:999999999999:reserved-instances/' || CAST(r % 40 AS VARCHAR) END
        AS reservation_reservation_a_r_n,
    CASE WHEN kind = 'DiscountedUsage' THEN round(b * (1 + j - 20), 9) END AS reservation_effective_cost,
    round(reservation_effective_cost * 0.9, 10) AS reservation_net_effective_cost,
    CASE WHEN kind = 'RIFee' THEN round(b * 5, 9) END AS reservation_amortized_upfront_fee_for_billing_period,
    CASE WHEN kind = 'RIFee' THEN round(b * 0.5, 9) END
        AS reservation_unused_amortized_upfront_fee_for_billing_period,
    CASE WHEN kind = 'RIFee' THEN 0.0 END AS reservation_unused_recurring_fee,
    round(reservation_unused_amortized_upfront_fee_for_billing_period * 0.9, 10)
        AS reservation_net_unused_amortized_upfront_fee_for_billing_period,
    CASE WHEN kind = 'RIFee' THEN 0.0 END AS reservation_net_unused_recurring_fee,
    CASE WHEN is_plan THEN 'arn:aws:savingsplans::999999999999:savingsplan/' || CAST(r % 40 AS VARCHAR) END
        AS savings_plan_savings_plan_a_r_n,
    CASE WHEN kind = 'SavingsPlanCoveredUsage' THEN round(b * units * 0.7, 9) END
        AS savings_plan_savings_plan_effective_cost,
    round(savings_plan_savings_plan_effective_cost * 0.9, 10) AS savings_plan_net_savings_plan_effective_cost,
    CASE WHEN kind = 'SavingsPlanRecurringFee' THEN round(b * 147.5, 9) END AS savings_plan_total_commitment_to_date,
    CASE WHEN kind = 'SavingsPlanRecurringFee' THEN round(b * 147, 9) END AS savings_plan_used_commitment,
    CASE WHEN kind = 'SavingsPlanRecurringFee' THEN round(b * 20, 9) END
        AS savings_plan_amortized_upfront_commitment_for_billing_period,
    CASE WHEN kind = 'SavingsPlanRecurringFee' THEN round(b * 18, 9) END
        AS savings_plan_net_amortized_upfront_commitment_for_billing_period,
    CASE WHEN kind = 'SavingsPlanRecurringFee' THEN round(b * 127.5, 9) END
        AS savings_plan_recurring_commitment_for_billing_period,
    CASE WHEN kind = 'SavingsPlanRecurringFee' THEN round(b * 114.75, 10) END
        AS savings_plan_net_recurring_commitment_for_billing_period,
    CASE WHEN r % 3 = 0 THEN 'team-' || CAST(r % 40 AS VARCHAR) END AS resource_tags_user_team,
    CASE WHEN r % 5 < 4 THEN 'prod' END AS resource_tags_user_env,
    CASE WHEN r % 7 = 0 THEN 'cc-' || CAST(r % 200 AS VARCHAR) END AS resource_tags_user_cost_center,
    '' AS resource_tags_aws_created_by
FROM line
