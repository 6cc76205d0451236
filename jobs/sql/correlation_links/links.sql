-- What findings say of their neighbours: the ids in their evidence that rules join on.
--
-- Grain   one row per finding and id
-- Value   row, link (what names it: attached_to, instance_id, volume_id), resource_id
-- Reads   findings (row, evidence)
-- Source  the evidence that checkers write; what of it is no JSON names nothing
WITH told AS (
    SELECT
        row,
        unnest(['attached_to', 'instance_id', 'volume_id']) AS link,
        -- All at once: every call reads the whole text.
        unnest(try(json_extract_string(evidence, ['$.attached_to', '$.instance_id', '$.volume_id']))) AS resource_id
    FROM findings
)
SELECT row, link, resource_id FROM told WHERE resource_id IS NOT NULL
