-- What findings say of their neighbours: the ids in their evidence that rules join on.
--
-- Grain   one row per finding
-- Value   row, and attached_to, instance_id, volume_id, covers; null where its evidence has none
-- Reads   findings (row, evidence)
-- Source  the evidence that checkers write; what of it is no JSON names nothing
WITH told AS (
    SELECT
        row,
        evidence,
        -- All at once: every call reads the whole text.
        try(json_extract_string(evidence, ['$.attached_to', '$.instance_id', '$.volume_id', '$.covers'])) AS ids
    FROM findings
)
SELECT
    row,
    ids[1] AS attached_to,
    ids[2] AS instance_id,
    ids[3] AS volume_id,
    CASE WHEN ids[4] IS NOT NULL THEN try(json_extract_string(evidence, '$.covers[*]')) END AS covers
FROM told
