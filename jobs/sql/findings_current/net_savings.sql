-- What every finding really saves: at the rates that are paid, counted once per resource, never more than it costs.
--
-- Grain   one row per state
-- Value   row, and savings{gross, net, currency, excluded_by, reason, overstated, basis, real, real_currency, covered};
--         unknown is null with a reason. gross is the list-price estimate per month; real what the last 30 days would
--         have saved: what was paid for the resource x list saving / list cost, without what a commitment covers
-- Reads   states (row, fingerprint, lifecycle, estimated, actual), standing (of those counted in another one)
-- Source  billing.md: amortised cost, savings from real rates; a bill of fewer than 30 days is not extrapolated
WITH billed AS (
    SELECT
        states.*,
        standing.excluded_by,
        estimated.monthly_savings AS gross,
        estimated.monthly_cost AS list_cost,
        coalesce(actual.days_with_data, 30) < 30 AND actual.cost_30d IS NOT NULL AS is_short,
        CASE WHEN NOT is_short THEN actual.cost_30d END AS cost,
        coalesce(actual.currency = estimated.currency, false) AS comparable,
        coalesce(actual.covered_30d, 0) AS covered,
        -- A credit can make a month's cost negative; nothing is saved then.
        CASE WHEN cost > covered THEN cost - covered WHEN cost IS NOT NULL THEN 0 END AS paid
    FROM states
    LEFT JOIN standing USING (fingerprint)
),
priced AS (
    SELECT
        *,
        -- Decimal division would go through floats: a quotient of integers in millionths, rounded half up.
        CASE
            WHEN gross >= list_cost THEN paid
            WHEN list_cost > 0 THEN (
                (
                    2 * (paid::DECIMAL(30, 6) * 1000000)::HUGEINT * (gross::DECIMAL(30, 6) * 1000000)::HUGEINT
                    + (list_cost::DECIMAL(30, 6) * 1000000)::HUGEINT
                ) // (2 * (list_cost::DECIMAL(30, 6) * 1000000)::HUGEINT)
            )::DECIMAL(24, 0) * 0.000001::DECIMAL(7, 6)
        END AS real,
        CASE WHEN comparable AND cost IS NOT NULL THEN coalesce(real, paid) ELSE list_cost END AS most,
        covered > 0 AND comparable AND cost IS NOT NULL AS is_covered
    FROM billed
)
SELECT
    row,
    struct_pack(
        gross := gross,
        net := CASE
            WHEN lifecycle.state = 'resolved' OR gross IS NULL THEN NULL
            WHEN excluded_by IS NOT NULL THEN 0
            WHEN most IS NOT NULL THEN least(gross, most)
        END::DECIMAL(18, 6),
        currency := estimated.currency,
        excluded_by := excluded_by,
        reason := CASE
            WHEN lifecycle.state = 'resolved' THEN 'resolved'
            WHEN gross IS NULL THEN 'missing price: ' || coalesce(estimated.missing_price, 'not said which')
            WHEN excluded_by IS NOT NULL THEN 'counted in another finding'
            WHEN most IS NULL THEN 'the cost of the resource is unknown'
            WHEN is_covered AND most = 0 THEN 'covered by a commitment: saves nothing until it ends'
            WHEN is_covered THEN 'partly covered by a commitment: that part saves nothing until it ends'
            WHEN comparable AND cost < gross THEN 'limited to what the resource costs'
            WHEN comparable AND cost IS NOT NULL AND most < gross THEN 'at the rates really paid'
            WHEN is_short THEN 'the bill covers ' || actual.days_with_data || ' of 30 days: at list price'
            WHEN cost IS NOT NULL AND NOT comparable THEN 'billed in ' || actual.currency || ': at list price'
            WHEN most < gross THEN 'limited to what the resource costs'
        END,
        -- A list price is for a month, which has up to 31 days; the bill's cost is that of 30, rounded.
        overstated := CASE WHEN comparable THEN gross * 30 > (cost + 0.01) * 31 END,
        basis := CASE WHEN comparable AND cost IS NOT NULL THEN 'actual' ELSE 'list' END,
        real := real::DECIMAL(18, 6),
        real_currency := CASE WHEN real IS NOT NULL THEN actual.currency END,
        covered := CASE WHEN cost IS NOT NULL THEN covered END::DECIMAL(18, 6)
    ) AS savings
FROM priced
ORDER BY row
