-- A volume with a finding of any check, and the findings on its snapshots: delete or change them together.
--
-- Grain   one row per volume and member finding, the volume's own included; two members or more
-- Value   head_fingerprint: one of the volume's findings; fingerprint: a member's
-- Reads   findings
-- Source  a snapshot names its volume (ec2:DescribeSnapshots VolumeId); joined on the full key
WITH snapshot AS (
    SELECT *, try(json_extract_string(evidence, '$.volume_id')) AS volume_id FROM findings
),
volume AS (
    SELECT
        *,
        min(fingerprint) OVER (PARTITION BY workspace, provider, account_id, region, resource_id) AS head_fingerprint
    FROM findings
),
pair AS (
    SELECT volume.head_fingerprint, volume.fingerprint AS volume_fingerprint, snapshot.fingerprint
    FROM volume
    JOIN snapshot ON
        (snapshot.workspace, snapshot.provider, snapshot.account_id, snapshot.region, snapshot.volume_id)
        = (volume.workspace, volume.provider, volume.account_id, volume.region, volume.resource_id)
    WHERE snapshot.resource_id <> volume.resource_id
)
SELECT 'Volume with its snapshots' AS title, head_fingerprint, volume_fingerprint AS fingerprint FROM pair
UNION
SELECT 'Volume with its snapshots' AS title, head_fingerprint, fingerprint FROM pair
