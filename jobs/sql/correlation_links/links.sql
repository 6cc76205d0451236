-- What findings say of their neighbours: the ids in their evidence that rules join on.
--
-- Grain   one row per finding
-- Value   row, and attached_to, instance_id, volume_id, covers; null where its evidence has none
-- Reads   findings (row, evidence)
-- Source  the evidence that checkers write; read once here
SELECT
    row,
    try(json_extract_string(evidence, '$.attached_to')) AS attached_to,
    try(json_extract_string(evidence, '$.instance_id')) AS instance_id,
    try(json_extract_string(evidence, '$.volume_id')) AS volume_id,
    CASE WHEN contains(evidence, '"covers"') THEN try(json_extract_string(evidence, '$.covers[*]')) END AS covers
FROM findings
