-- What findings say of their neighbours: the ids in their evidence that rules join on.
--
-- Grain   one row per finding
-- Value   the finding's key, and attached_to, instance_id, volume_id, covers; null where its evidence has none
-- Reads   findings
-- Source  the evidence that checkers write; read once here, and only where the text has one of the names
WITH linked AS (
    SELECT
        fingerprint, check_id, workspace, provider, account_id, region, resource_id,
        CASE WHEN regexp_matches(evidence, '"(attached_to|instance_id|volume_id|covers)"') THEN evidence END AS told
    FROM findings
)
SELECT
    * EXCLUDE (told),
    try(json_extract_string(told, '$.attached_to')) AS attached_to,
    try(json_extract_string(told, '$.instance_id')) AS instance_id,
    try(json_extract_string(told, '$.volume_id')) AS volume_id,
    try(json_extract_string(told, '$.covers[*]')) AS covers
FROM linked
