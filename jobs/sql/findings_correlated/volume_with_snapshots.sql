-- A volume with a finding of any check, and the findings on its snapshots: delete or change them together.
--
-- Grain   one row per volume and member finding, the volume's own included; two members or more
-- Value   head_fingerprint: one of the volume's findings; fingerprint: a member's
-- Reads   findings (with links)
-- Source  a snapshot names its volume (ec2:DescribeSnapshots VolumeId); joined on the full key
WITH pair AS (
    SELECT
        snapshot.fingerprint,
        volume.fingerprint AS volume_fingerprint,
        min(volume.fingerprint) OVER (
            PARTITION BY volume.workspace, volume.provider, volume.account_id, volume.region, volume.resource_id
        ) AS head_fingerprint
    FROM findings AS volume
    JOIN findings AS snapshot ON
        (snapshot.workspace, snapshot.provider, snapshot.account_id, snapshot.region, snapshot.volume_id)
        = (volume.workspace, volume.provider, volume.account_id, volume.region, volume.resource_id)
    WHERE snapshot.volume_id IS NOT NULL AND snapshot.resource_id <> volume.resource_id
)
SELECT 'Volume with its snapshots' AS title, head_fingerprint, volume_fingerprint AS fingerprint FROM pair
UNION
SELECT 'Volume with its snapshots' AS title, head_fingerprint, fingerprint FROM pair
