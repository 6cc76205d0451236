-- What an export of a billing period adds up to, beside the facts it was made of.
--
-- Grain   one row per currency
-- Value   sums in `currency`; null where nothing is known. billed_cost + negated_cost = fact_billed_cost and
--         effective_cost = fact_effective_cost, or the export is wrong
-- Reads   exported (rows of focus_export/rows), facts
-- Source  negations and what they offset are left out together: negated_cost is what that leaves, 0 in a whole bill
WITH of_rows AS (
    SELECT
        BillingCurrency AS currency,
        count(*) AS rows,
        sum(BilledCost) AS billed_cost,
        sum(EffectiveCost) AS effective_cost,
        sum(ListCost) AS list_cost,
        sum(ContractedCost) AS contracted_cost
    FROM exported
    GROUP BY ALL
),
fact AS (
    SELECT
        currency,
        cost_basis IN ('net_amortized', 'amortized') AS is_amortized,
        CASE WHEN cost_basis IN ('net_amortized', 'net_unblended') THEN net_unblended_cost
            ELSE unblended_cost END AS billed,
        cost_primary,
        line_item_type
    FROM facts
),
of_facts AS (
    SELECT
        currency,
        count(*) AS facts,
        sum(billed) AS fact_billed_cost,
        sum(cost_primary) FILTER (is_amortized) AS fact_effective_cost,
        coalesce(
            sum(billed) FILTER (line_item_type IN ('SavingsPlanNegation', 'SavingsPlanCoveredUsage')), 0
        ) AS negated_cost
    FROM fact
    GROUP BY ALL
)
SELECT
    of_facts.currency, facts, rows, fact_billed_cost, billed_cost, negated_cost, fact_effective_cost, effective_cost,
    list_cost, contracted_cost
FROM of_facts
LEFT JOIN of_rows ON of_rows.currency IS NOT DISTINCT FROM of_facts.currency
ORDER BY of_facts.currency
