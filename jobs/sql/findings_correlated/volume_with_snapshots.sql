-- A volume with a finding of any check, and the findings on its snapshots: delete or change them together.
--
-- Grain   one row per volume and member finding, the volume's own included; two members or more
-- Value   head: the first of the volume's findings; finding: a member
-- Reads   findings (finding, resource: the first finding of the same one), links (finding, link, resource)
-- Source  a snapshot names its volume (ec2:DescribeSnapshots VolumeId); links are on the full key
WITH pair AS (
    SELECT volume.resource AS head, volume.finding AS volume, snapshot.finding AS snapshot
    FROM links
    JOIN findings AS snapshot USING (finding)
    JOIN findings AS volume ON volume.resource = links.resource
    WHERE links.link = 'volume_id' AND snapshot.resource <> volume.resource
)
SELECT 'Volume with its snapshots' AS title, head, volume AS finding FROM pair
UNION
SELECT 'Volume with its snapshots' AS title, head, snapshot AS finding FROM pair
