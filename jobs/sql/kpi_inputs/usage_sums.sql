-- What every kind of usage cost, and what it says of commitments: the facts added up once, for all KPIs of rates.
--
-- Grain   one row per month, day, kind of charge and currency; day is null outside the days told one by one
-- Value   cost: sum of the primary cost in `currency`; list_cost: sum of list costs where `is_priced`.
--         used_cost, unused_cost: what of a commitment was used and what was not; null where the basis is not amortised
-- Reads   cur_facts (every line, on the day it starts; `is_long` are charges of more than a day)
-- Source  AWS CUR user guide: line types, usage types; 0 is no list price. Amortised, a recurring fee is what is unused
--         of its commitment, a covered line what is used; Google Cloud's fees keep what is unused of them. Savings
--         Plans and reservations are sold for instances, Fargate, Lambda; a g after a family's number is Graviton
WITH kind AS (
    SELECT
        make_timestamp(epoch_us(usage_start))::DATE AS date,
        CASE WHEN usage_start IS NULL THEN billing_period END AS undated,
        coalesce(epoch_us(usage_end) - epoch_us(usage_start) > 86400000000, false) AS is_long,
        provider, service, charge_category, line_item_type, usage_type, operation, commitment_kind, currency,
        commitment_id IS NOT NULL AS has_commitment,
        resource_id IS NOT NULL AS names_resource,
        coalesce(cost_basis IN ('net_amortized', 'amortized'), false) AS is_amortized,
        coalesce(list_cost <> 0, false) AS is_priced,
        sum(cost_primary) AS cost,
        sum(list_cost) AS list_cost,
        sum(unblended_cost) AS unblended_cost
    FROM cur_facts
    GROUP BY ALL
),
known AS (
    SELECT
        *,
        coalesce(charge_category = 'Usage' AND line_item_type <> 'SavingsPlanNegation', false) AS is_usage,
        coalesce(commitment_kind = 'committed_use_discount' AND line_item_type = 'regular', false) AS is_google,
        is_google AND coalesce(charge_category = 'Purchase', false) AS is_google_fee,
        coalesce(line_item_type IN ('SavingsPlanRecurringFee', 'RIFee'), false)
        OR (is_usage AND line_item_type LIKE 'Unused%') OR is_google_fee AS is_unused,
        is_usage AND NOT is_unused AND NOT is_google
        AND (has_commitment OR line_item_type IN ('DiscountedUsage', 'SavingsPlanCoveredUsage')) AS is_covered,
        nullif(regexp_extract(usage_type, '(^|-)(Box|Spot|Dedicated)Usage(:|$)', 2), '') AS market,
        CASE WHEN provider = 'aws' AND is_usage AND regexp_matches(service, '^AmazonEC2$|Elastic Compute Cloud')
            THEN market END AS instance_market,
        provider = 'aws' AND is_usage AND (
            coalesce(instance_market IN ('Box', 'Dedicated'), false)
            OR regexp_matches(usage_type, '(^|-)(Instance|Multi-AZ)[A-Za-z]*Usage[A-Za-z]*:db')
            OR regexp_matches(usage_type, '(^|-)(NodeUsage|Node|ESInstance):')
            OR regexp_matches(usage_type, '^([A-Z0-9]+-)?Fargate-((ARM|Windows)-)?(vCPU|GB)-Hours')
            OR regexp_matches(usage_type, '(^|-)Lambda-(Provisioned-)?(GB-Second|Concurrency)')
        ) AS is_committable
    FROM kind
)
SELECT
    coalesce(strftime(date, '%Y-%m'), undated) AS month,
    CASE WHEN date >= $since::DATE AND date < $as_of::DATE THEN strftime(date, '%Y-%m-%d') END AS day,
    provider, service, line_item_type, usage_type, operation, commitment_kind, instance_market, currency,
    is_long, names_resource, is_amortized, is_priced, is_usage, is_unused, is_covered, is_committable,
    regexp_matches(usage_type, 'Usage:(a1|[a-z]+[0-9]+g[a-z]*)[.]') AS is_graviton,
    cost,
    list_cost,
    CASE WHEN is_amortized AND is_google_fee THEN unblended_cost - cost
        WHEN is_amortized AND is_covered THEN cost END AS used_cost,
    CASE WHEN is_amortized AND is_unused THEN cost END AS unused_cost
FROM known
