-- Facts of a billing period as rows of FOCUS 1.2: its columns by name, then ours, which begin with x_.
--
-- Grain   one row per fact; two for a fee that keeps, amortised, what is unused of a commitment: the purchase, and the
--         unused usage. None for a negation, which only takes off what covered lines then are not billed for
-- Value   costs in `BillingCurrency`; null where facts do not know
-- Reads   facts, services (provider, service in lower case, what FOCUS calls it), regions (provider, region, name)
-- Source  FOCUS 1.2: a purchase has no effective cost, what it covers no billed cost; contracted is before commitments.
--         AWS CUR: what a Savings Plan covers is billed at its on-demand price; a list cost of 0 on a charge is none
WITH fact AS (
    SELECT
        facts.*,
        services.* EXCLUDE (provider, service),
        regions.region_name,
        strptime(billing_period || '-01', '%Y-%m-%d') AS period_start,
        CASE WHEN cost_basis IN ('net_amortized', 'net_unblended') THEN net_unblended_cost
            ELSE unblended_cost END AS billed,
        CASE WHEN cost_basis IN ('net_amortized', 'amortized') THEN cost_primary END AS effective,
        coalesce(charge_category = 'Usage', false) AS is_usage,
        coalesce(line_item_type IN ('SavingsPlanRecurringFee', 'RIFee') OR (
            commitment_kind = 'committed_use_discount' AND line_item_type = 'regular' AND charge_category = 'Purchase'
        ), false) AS keeps_unused,
        is_usage AND coalesce(line_item_type LIKE 'Unused%', false) AS is_unused,
        is_usage AND NOT is_unused AND coalesce(
            commitment_id IS NOT NULL OR line_item_type IN ('SavingsPlanCoveredUsage', 'DiscountedUsage'), false
        ) AS is_covered,
        CASE facts.provider WHEN 'aws' THEN 'AWS' WHEN 'azure' THEN 'Microsoft' WHEN 'gcp' THEN 'Google Cloud'
            WHEN 'oci' THEN 'Oracle' ELSE facts.provider END AS provider_name
    FROM facts
    LEFT JOIN services ON services.provider = facts.provider AND services.service = lower(facts.service)
    LEFT JOIN regions ON regions.provider = facts.provider AND regions.region = facts.region
    WHERE coalesce(line_item_type <> 'SavingsPlanNegation', true)
),
part AS (
    SELECT
        * REPLACE (
            is_usage OR part = 'unused' AS is_usage,
            is_unused OR part = 'unused' AS is_unused,
            CASE WHEN part = 'unused' THEN 'Usage' ELSE charge_category END AS charge_category,
            CASE WHEN part = 'unused' OR line_item_type = 'SavingsPlanCoveredUsage' THEN 0 ELSE billed END AS billed,
            CASE WHEN part = 'fee' THEN 0 ELSE effective END AS effective,
            CASE WHEN part = 'whole' THEN resource_id ELSE coalesce(commitment_id, resource_id) END AS resource_id
        ),
        billed AS before_commitments,
        is_usage OR part = 'unused' OR charge_category = 'Purchase' AS is_priced,
        CASE WHEN part <> 'unused' AND unit IS NOT NULL THEN quantity END AS measured,
        -- FOCUS writes units out.
        regexp_replace(regexp_replace(unit, '\bHrs$', 'Hours'), '-Mo$', '-Months', 'i') AS measure
    FROM (
        SELECT *, unnest(CASE WHEN NOT keeps_unused OR effective IS NULL THEN ['whole']
            WHEN effective = 0 THEN ['fee'] ELSE ['fee', 'unused'] END) AS part
        FROM fact
    )
)
SELECT
    billed AS BilledCost,
    payer_account_id AS BillingAccountId,
    CAST(NULL AS VARCHAR) AS BillingAccountName,
    currency AS BillingCurrency,
    period_start + INTERVAL 1 MONTH AS BillingPeriodEnd,
    period_start AS BillingPeriodStart,
    charge_category AS ChargeCategory,
    charge_class AS ChargeClass,
    nullif(concat_ws(' ', line_item_type, usage_type, operation), '') AS ChargeDescription,
    CASE
        WHEN is_usage THEN 'Usage-Based'
        WHEN keeps_unused OR line_item_type = 'FlatRateSubscription' THEN 'Recurring'
        WHEN charge_category <> 'Purchase' OR line_item_type IN ('Fee', 'SavingsPlanUpfrontFee') THEN 'One-Time'
    END AS ChargeFrequency,
    timezone('UTC', usage_end) AS ChargePeriodEnd,
    timezone('UTC', usage_start) AS ChargePeriodStart,
    CASE WHEN commitment_id IS NOT NULL
        THEN CASE commitment_kind WHEN 'savings_plan' THEN 'Spend' WHEN 'reservation' THEN 'Usage' END
    END AS CommitmentDiscountCategory,
    commitment_id AS CommitmentDiscountId,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    CAST(NULL AS DECIMAL(38, 12)) AS CommitmentDiscountQuantity,
    CASE WHEN commitment_id IS NOT NULL AND is_unused THEN 'Unused'
        WHEN commitment_id IS NOT NULL AND is_covered THEN 'Used' END AS CommitmentDiscountStatus,
    CASE WHEN commitment_id IS NOT NULL THEN CASE commitment_kind WHEN 'savings_plan' THEN 'Savings Plan'
        WHEN 'reservation' THEN 'Reservation' WHEN 'committed_use_discount' THEN 'Committed Use Discount'
        ELSE commitment_kind END END AS CommitmentDiscountType,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountUnit,
    CASE WHEN is_usage AND NOT is_unused THEN measured END AS ConsumedQuantity,
    CASE WHEN ConsumedQuantity IS NOT NULL THEN measure END AS ConsumedUnit,
    CASE
        WHEN is_unused OR (is_covered AND coalesce(line_item_type <> 'SavingsPlanCoveredUsage', true)) THEN NULL
        WHEN is_usage AND provider NOT IN ('aws', 'azure') THEN NULL
        ELSE before_commitments
    END AS ContractedCost,
    CAST(NULL AS DECIMAL(38, 12)) AS ContractedUnitPrice,
    effective AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    provider_name AS InvoiceIssuerName,
    CASE
        WHEN NOT is_priced THEN billed
        WHEN part <> 'whole' OR (list_cost = 0 AND (billed <> 0 OR effective <> 0)) THEN NULL
        ELSE list_cost
    END AS ListCost,
    CAST(NULL AS DECIMAL(38, 12)) AS ListUnitPrice,
    CASE
        WHEN NOT is_priced THEN NULL
        WHEN is_covered OR is_unused THEN 'Committed'
        WHEN is_usage AND regexp_matches(usage_type, '\b(Spot|Preemptible)|SpotUsage') THEN 'Dynamic'
        ELSE 'Standard'
    END AS PricingCategory,
    CASE WHEN is_priced THEN measured END AS PricingQuantity,
    CASE WHEN PricingQuantity IS NOT NULL THEN measure END AS PricingUnit,
    provider_name AS ProviderName,
    provider_name AS PublisherName,
    nullif(region, 'global') AS RegionId,
    region_name AS RegionName,
    resource_id AS ResourceId,
    CAST(NULL AS VARCHAR) AS ResourceName,
    nullif(CASE
        WHEN provider = 'azure' THEN regexp_extract(resource_id, '.*/providers/([^/]+/[^/]+)/', 1)
        WHEN provider = 'gcp' THEN regexp_extract(resource_id, '/([^/]+)/[^/]+$', 1)
        WHEN resource_id LIKE 'arn:%' THEN regexp_extract(resource_id, '^arn:(?:[^:]*:){4}([^:/]+)[:/]', 1)
        WHEN resource_id LIKE 'i-%' THEN 'instance'
        WHEN resource_id LIKE 'vol-%' THEN 'volume'
        WHEN service = 'AmazonS3' AND resource_id IS NOT NULL THEN 'bucket'
    END, '') AS ResourceType,
    coalesce(service_category, 'Other') AS ServiceCategory,
    coalesce(service_name, service) AS ServiceName,
    coalesce(service_subcategory, 'Other (Other)') AS ServiceSubcategory,
    CAST(NULL AS VARCHAR) AS SkuId,
    CAST(NULL AS VARCHAR) AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    CAST(NULL AS VARCHAR) AS SkuPriceId,
    account_id AS SubAccountId,
    CAST(NULL AS VARCHAR) AS SubAccountName,
    CAST(to_json(tags) AS VARCHAR) AS Tags,
    cost_basis AS x_CostBasis,
    invoice_final AS x_InvoiceFinal,
    line_item_type AS x_LineItemType,
    operation AS x_Operation,
    service AS x_ServiceCode,
    usage_type AS x_UsageType
FROM part
ORDER BY BillingAccountId, SubAccountId, ServiceName, ResourceId, ChargePeriodStart, COLUMNS(*)
