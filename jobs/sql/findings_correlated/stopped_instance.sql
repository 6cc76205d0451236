-- A long-stopped instance with the findings on its volumes and addresses: one decision, not many.
--
-- Grain   one row per stopped instance and member finding, the instance's own included; two members or more
-- Value   head_fingerprint: the instance's finding; fingerprint: a member's
-- Reads   findings (with links)
-- Source  deleting the instance settles what is attached to it; links are the provider's own ids on the full key
WITH head AS (
    SELECT * FROM findings WHERE check_id = 'aws.ec2.stopped_instance'
),
attached AS (
    SELECT fingerprint, workspace, provider, account_id, region, unnest([attached_to, instance_id]) AS instance_id
    FROM findings
    WHERE attached_to IS NOT NULL OR instance_id IS NOT NULL
),
covered AS (
    SELECT fingerprint, workspace, provider, account_id, region, unnest(covers) AS resource_id FROM head
),
member AS (
    SELECT fingerprint AS head_fingerprint, fingerprint FROM head
    UNION
    SELECT head.fingerprint, attached.fingerprint
    FROM head
    JOIN attached ON
        (attached.workspace, attached.provider, attached.account_id, attached.region, attached.instance_id)
        = (head.workspace, head.provider, head.account_id, head.region, head.resource_id)
    UNION
    SELECT covered.fingerprint, findings.fingerprint
    FROM covered JOIN findings USING (workspace, provider, account_id, region, resource_id)
)
SELECT 'Stopped instance with its volumes and addresses' AS title, head_fingerprint, fingerprint
FROM member
QUALIFY count(*) OVER (PARTITION BY head_fingerprint) >= 2
