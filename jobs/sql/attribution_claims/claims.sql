-- Which resources' bill lines are the cost of each finding.
--
-- Grain   one row per finding and claimed resource; related says that the resource is not the finding's own
-- Value   claimed_id: the resource whose cost counts, in the finding's provider and account
-- Reads   findings (findings, and meta-findings with source_fingerprints)
-- Source  a finding may name other resources whose cost it claims in `covers` of its evidence; a meta-finding claims
--         what its sources claim, each resource once
WITH single AS (
    SELECT
        fingerprint, provider, account_id, resource_id,
        try(json_extract_string(evidence, '$.covers[*]')) AS covers
    FROM findings
    WHERE coalesce(len(source_fingerprints), 0) = 0
),
claimed AS (
    SELECT
        fingerprint, provider, account_id,
        unnest(CASE WHEN len(covers) > 0 THEN covers ELSE [resource_id] END) AS claimed_id,
        coalesce(len(covers), 0) > 0 AS related
    FROM single
),
meta AS (
    SELECT fingerprint, unnest(source_fingerprints) AS source
    FROM findings
)
SELECT DISTINCT fingerprint, provider, account_id, claimed_id, related FROM claimed
UNION ALL
SELECT DISTINCT meta.fingerprint, claimed.provider, claimed.account_id, claimed.claimed_id, true
FROM meta
JOIN claimed ON claimed.fingerprint = meta.source
