-- The resources whose cost a finding claims beside or instead of its own.
--
-- Grain   one row per finding and covered resource, each once
-- Value   claimed_id: an id in the finding's provider and account
-- Reads   findings (row, evidence)
-- Source  `covers` of the evidence; what is no list of ids covers nothing
SELECT DISTINCT "row", claimed_id
FROM (SELECT "row", unnest(try(json_extract_string(evidence, '$.covers[*]'))) AS claimed_id FROM findings)
WHERE claimed_id IS NOT NULL
ORDER BY "row", claimed_id
