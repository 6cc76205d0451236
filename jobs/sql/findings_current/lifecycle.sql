-- Every finding known of a tenant after a run, with its state.
--
-- Grain   one row per fingerprint
-- Value   lifecycle, and which row has the other columns: `found` of this run's findings, else `known` of the previous
-- Reads   findings (row, fingerprint: this run's), coverage (this run's, of all accounts), previous (findings_current
--         before: row and what is read here)
-- Source  absence counts only where the check was evaluated completely for the unit: what was not read is not gone
WITH evaluated AS (
    SELECT
        unit_id,
        name AS check_id,
        bool_or(outcome = 'ok' AND coalesce(rejected, 0) = 0) AS complete,
        coalesce(min(outcome) FILTER (outcome <> 'ok'), 'a draft was rejected') AS gap,
        -- Ids as the provider gave them; a finding has them in canonical form, which may be lower case.
        list_transform(flatten(list(coalesce(undetermined_ids, []))), lambda id: lower(id)) AS undetermined_ids
    FROM coverage
    WHERE subject = 'check'
    GROUP BY unit_id, name
),
unseen AS (
    SELECT
        before.*,
        evaluated.complete AND NOT list_contains(undetermined_ids, lower(resource_id)) AS gone,
        CASE WHEN evaluated.complete THEN 'not evaluated: undetermined'
            ELSE 'not evaluated: ' || coalesce(evaluated.gap, 'not in this run') END AS gap
    FROM previous AS before
    ANTI JOIN findings USING (fingerprint)
    LEFT JOIN evaluated USING (unit_id, check_id)
)
SELECT
    findings.row AS found,
    before.row AS known,
    struct_pack(
        state := CASE coalesce(before.lifecycle.state, 'new')
            WHEN 'new' THEN 'open' WHEN 'open' THEN 'open' ELSE 'reopened' END,
        first_seen := coalesce(before.lifecycle.first_seen, $as_of),
        last_seen := $as_of,
        resolved_at := before.lifecycle.resolved_at,
        reopened_at := CASE before.lifecycle.state
            WHEN 'resolved' THEN $as_of ELSE before.lifecycle.reopened_at END,
        reason := CASE WHEN before.lifecycle.state IN ('resolved', 'reopened') THEN 'found again' END
    ) AS lifecycle
FROM findings
LEFT JOIN previous AS before USING (fingerprint)
UNION ALL BY NAME
SELECT
    row AS known,
    CASE
        -- Closed already, or of a workspace this run did not look at: as it was.
        WHEN lifecycle.state = 'resolved' OR workspace NOT IN (SELECT workspace FROM coverage) THEN lifecycle
        WHEN gone THEN struct_pack(
            state := 'resolved',
            first_seen := lifecycle.first_seen,
            last_seen := lifecycle.last_seen,
            resolved_at := $as_of,
            reopened_at := lifecycle.reopened_at,
            reason := 'no longer found'
        )
        ELSE struct_pack(
            state := lifecycle.state,
            first_seen := lifecycle.first_seen,
            last_seen := lifecycle.last_seen,
            resolved_at := lifecycle.resolved_at,
            reopened_at := lifecycle.reopened_at,
            reason := gap
        )
    END AS lifecycle
FROM unseen
