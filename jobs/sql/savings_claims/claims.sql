-- Whose cost each finding with a known saving wants to save, and how strong its claim is.
--
-- Grain   one row per scope, finding and claimed resource
-- Value   gross: the finding's own monthly saving; action_rank: 1 is the strongest
-- Reads   candidates (scope, fingerprint, the resource's key, gross, action_kind, evidence); findings compete only
--         inside their scope
-- Source  what ends a resource subsumes what changes it, and that what merely advises (as Cost Optimization Hub does)
WITH candidate AS (
    SELECT
        scope, fingerprint, provider, account_id, region, resource_id, gross,
        list_position(
            ['delete', 'release', 'stop', 'rightsize', 'migrate', 'upgrade', 'review'], action_kind
        ) AS action_rank,
        -- A finding may claim other resources than its own: a stopped instance claims its volumes and addresses.
        CASE WHEN contains(evidence, '"covers"') THEN try(json_extract_string(evidence, '$.covers[*]')) END AS covers
    FROM candidates
    WHERE gross IS NOT NULL
)
SELECT
    scope, fingerprint, provider, account_id, region, action_rank, gross,
    unnest(CASE WHEN len(covers) > 0 THEN list_distinct(covers) ELSE [resource_id] END) AS claimed_id
FROM candidate
