-- A long-stopped instance with the findings on its volumes and addresses: one decision, not many.
--
-- Grain   one row per stopped instance and member finding, the instance's own included; two members or more
-- Value   head: the instance's finding; finding: a member
-- Reads   findings (finding, check_id, resource), links (finding, link, resource)
-- Source  deleting the instance settles what is attached to it; links are the provider's own ids on the full key
WITH instance AS (
    SELECT finding AS head, resource FROM findings WHERE check_id = 'aws.ec2.stopped_instance'
),
member AS (
    SELECT head, head AS finding FROM instance
    UNION
    SELECT instance.head, links.finding
    FROM instance JOIN links USING (resource)
    WHERE links.link IN ('attached_to', 'instance_id')
    UNION
    SELECT instance.head, findings.finding
    FROM instance
    JOIN links ON links.finding = instance.head
    JOIN findings ON findings.resource = links.resource
    WHERE links.link = 'covers'
)
SELECT 'Stopped instance with its volumes and addresses' AS title, head, finding
FROM member
QUALIFY count(*) OVER (PARTITION BY head) >= 2
