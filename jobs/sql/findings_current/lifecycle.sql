-- What a run makes of every finding that was known before it.
--
-- Grain   one row per known finding
-- Value   known: its row; found: the row of this run's finding, null where it was not found; lifecycle
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
compared AS (
    SELECT
        previous.*,
        findings.row AS found,
        evaluated.complete AND NOT list_contains(undetermined_ids, lower(resource_id)) AS gone,
        CASE WHEN evaluated.complete THEN 'not evaluated: undetermined'
            ELSE 'not evaluated: ' || coalesce(evaluated.gap, 'not in this run') END AS gap
    FROM previous
    LEFT JOIN findings USING (fingerprint)
    LEFT JOIN evaluated USING (unit_id, check_id)
)
SELECT
    row AS known,
    found,
    CASE
        WHEN found IS NOT NULL THEN struct_pack(
            state := CASE lifecycle.state WHEN 'open' THEN 'open' ELSE 'reopened' END,
            first_seen := lifecycle.first_seen,
            last_seen := $as_of,
            resolved_at := lifecycle.resolved_at,
            reopened_at := CASE lifecycle.state WHEN 'resolved' THEN $as_of ELSE lifecycle.reopened_at END,
            reason := CASE WHEN lifecycle.state IN ('resolved', 'reopened') THEN 'found again' END
        )
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
FROM compared
ORDER BY known
