-- Facts of a file that has several payers or periods, or whose period has not the basis that its lines have.
--
-- Grain   one row per fact
-- Value   cost_primary in the one basis of the payer and period; place says which of them a fact belongs to
-- Reads   staged (facts), bases (payer, billing_period, cost_basis, place)
-- Source  facts.sql
SELECT
    staged.* REPLACE (
        CASE bases.cost_basis
            WHEN 'net_amortized' THEN net_amortized_cost
            WHEN 'amortized' THEN amortized_cost
            WHEN 'net_unblended' THEN net_unblended_cost
            ELSE unblended_cost
        END AS cost_primary,
        bases.cost_basis AS cost_basis
    ),
    bases.place
FROM staged INNER JOIN bases
    ON staged.payer_account_id IS NOT DISTINCT FROM bases.payer AND staged.billing_period = bases.billing_period
