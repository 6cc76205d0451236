-- Which findings count, and which are counted in another one: per claimed resource at most one counts.
--
-- Grain   one row per scope and finding
-- Value   counts: it is the strongest on all it claims; excluded_by: the strongest of the counting findings it shares a
--         resource with; both absent (false, null): it lost only to findings that lost elsewhere, so it stands again
-- Reads   claims
-- Source  order: action_rank, then larger gross, then fingerprint (a total order, so the answer is always the same)
WITH contest AS (
    SELECT
        *,
        first_value(fingerprint) OVER (
            PARTITION BY scope, provider, account_id, region, claimed_id
            ORDER BY action_rank, gross DESC, fingerprint
        ) AS strongest
    FROM claims
),
winner AS (
    SELECT scope, fingerprint, any_value(action_rank) AS action_rank, any_value(gross) AS gross
    FROM contest
    GROUP BY scope, fingerprint
    HAVING bool_and(strongest = fingerprint)
)
SELECT
    contest.scope,
    contest.fingerprint,
    bool_and(contest.strongest = contest.fingerprint) AS counts,
    CASE WHEN NOT counts THEN first(
        winner.fingerprint ORDER BY winner.action_rank, winner.gross DESC, winner.fingerprint
    ) FILTER (winner.fingerprint IS NOT NULL) END AS excluded_by
FROM contest
LEFT JOIN winner ON winner.scope = contest.scope AND winner.fingerprint = contest.strongest
GROUP BY contest.scope, contest.fingerprint
