-- Whose cost findings want to save that may claim other resources than their own.
--
-- Grain   one row per finding and claimed resource
-- Value   the finding as it was handed in, and claimed_id: what it covers, or its own resource where that is nothing
-- Reads   candidates (their evidence has the word `covers`)
-- Source  a stopped instance claims its volumes and addresses; what is no list of ids covers nothing
SELECT
    * EXCLUDE (resource_id, evidence, covers),
    unnest(CASE WHEN len(covers) > 0 THEN covers ELSE [resource_id] END) AS claimed_id
FROM (SELECT *, list_distinct(try(json_extract_string(evidence, '$.covers[*]'))) AS covers FROM candidates)
