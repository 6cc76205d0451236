-- What every finding really saves: counted once per resource, and never more than the resource costs.
--
-- Grain   one row per state
-- Value   row, and savings{gross, net, currency, excluded_by, reason, overstated}, per month; unknown is null with a reason
-- Reads   states (row, fingerprint, lifecycle, estimated, actual), standing (of the open ones)
-- Source  cost is what the bill says of the last 30 days when it matched, else the list-price estimate
WITH costed AS (
    SELECT
        states.*,
        standing.excluded_by,
        estimated.monthly_savings AS gross,
        CASE WHEN actual.method <> 'none' AND actual.currency = estimated.currency THEN actual.cost_30d END AS billed,
        coalesce(billed, estimated.monthly_cost) AS known_cost,
        -- A credit can make a month's cost negative; nothing is saved then.
        CASE WHEN known_cost < 0 THEN 0 ELSE known_cost END AS cost
    FROM states
    LEFT JOIN standing USING (fingerprint)
)
SELECT
    row,
    struct_pack(
        gross := gross,
        net := CASE
            WHEN lifecycle.state = 'resolved' OR gross IS NULL THEN NULL
            WHEN excluded_by IS NOT NULL THEN 0
            WHEN cost IS NOT NULL THEN least(gross, cost)
        END::DECIMAL(18, 6),
        currency := estimated.currency,
        excluded_by := excluded_by,
        reason := CASE
            WHEN lifecycle.state = 'resolved' THEN 'resolved'
            WHEN gross IS NULL THEN 'missing price: ' || coalesce(estimated.missing_price, 'not said which')
            WHEN excluded_by IS NOT NULL THEN 'counted in another finding'
            WHEN cost IS NULL THEN 'the cost of the resource is unknown'
            WHEN cost < gross THEN 'limited to what the resource costs'
        END,
        overstated := gross > billed
    ) AS savings
FROM costed
ORDER BY row
