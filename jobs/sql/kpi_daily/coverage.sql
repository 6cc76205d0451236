-- How much of what was planned on the day was really evaluated.
--
-- Grain   one row per provider, for the day of the logical time
-- Value   numerator: pairs of unit and check evaluated; denominator: pairs planned
-- Reads   coverage (checks of the runs of that day; a pair counts once, evaluated if any run evaluated it)
-- Source  design: what was not read is data
WITH pair AS (
    SELECT provider, unit_id, name, bool_or(outcome = 'ok') AS evaluated
    FROM coverage
    WHERE subject = 'check' AND run_date = $as_of::DATE
    GROUP BY provider, unit_id, name
)
SELECT
    strftime($as_of, '%Y-%m-%d') AS period,
    'provider' AS dimension,
    provider AS value,
    count(*) FILTER (evaluated) AS numerator,
    count(*) AS denominator,
    NULL AS currency
FROM pair
GROUP BY provider
