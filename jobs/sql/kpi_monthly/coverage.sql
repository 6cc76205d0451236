-- How much of what was planned in the month was really evaluated when it was last tried.
--
-- Grain   one row per provider, for the month of the logical time
-- Value   numerator: pairs of unit and check evaluated; denominator: pairs planned
-- Reads   coverage (checks, from the first of the month to the day of the logical time; of a pair its last day counts)
-- Source  design: what was not read is data
WITH pair AS (
    SELECT provider, unit_id, name, bool_or(outcome = 'ok') AS evaluated
    FROM coverage
    WHERE subject = 'check' AND run_date BETWEEN date_trunc('month', $as_of::DATE) AND $as_of::DATE
    GROUP BY provider, unit_id, name, run_date
    QUALIFY row_number() OVER (PARTITION BY provider, unit_id, name ORDER BY run_date DESC) = 1
)
SELECT
    strftime($as_of, '%Y-%m') AS period,
    'provider' AS dimension,
    provider AS value,
    count(*) FILTER (evaluated) AS numerator,
    count(*) AS denominator,
    NULL AS currency
FROM pair
GROUP BY provider
