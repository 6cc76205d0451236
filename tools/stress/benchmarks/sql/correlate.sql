-- Meta-findings of both rules in one query, for findings none of whose competitors lost to a loser.
WITH finding AS (
    SELECT
        fingerprint, check_id, account_id, region, resource_id,
        estimated.monthly_savings AS gross, estimated.monthly_cost AS cost,
        list_position(['delete', 'release', 'stop', 'rightsize', 'migrate', 'upgrade', 'review'], action.kind) AS rank,
        CASE WHEN check_id LIKE '%instance' THEN json_extract_string(evidence, '$.covers[*]') END AS covers,
        json_extract_string(evidence, ['$.attached_to', '$.instance_id', '$.volume_id']) AS links
    FROM findings
),
head AS (SELECT * FROM finding WHERE check_id = 'aws.ec2.stopped_instance'),
linked AS (SELECT * EXCLUDE (links), links[1] AS attached_to, links[2] AS instance_id, links[3] AS volume_id FROM finding),
covered AS (SELECT fingerprint, account_id, region, unnest(covers) AS resource_id FROM head),
snapshot AS (SELECT * FROM linked WHERE volume_id IS NOT NULL),
volume AS (
    SELECT *, min(fingerprint) OVER (PARTITION BY account_id, region, resource_id) AS head_fingerprint
    FROM finding
    WHERE resource_id IN (SELECT volume_id FROM snapshot)
),
pair AS (
    SELECT head_fingerprint, volume.fingerprint AS volume_fingerprint, snapshot.fingerprint
    FROM volume JOIN snapshot
        ON snapshot.account_id = volume.account_id AND snapshot.region = volume.region
        AND snapshot.volume_id = volume.resource_id AND snapshot.resource_id <> volume.resource_id
),
member AS (
    SELECT 'correlation.stopped_instance' AS rule, fingerprint AS head_fingerprint, fingerprint FROM head
    UNION
    SELECT 'correlation.stopped_instance', head.fingerprint, linked.fingerprint
    FROM head JOIN linked
        ON linked.account_id = head.account_id AND linked.region = head.region
        AND (linked.attached_to = head.resource_id OR linked.instance_id = head.resource_id)
    UNION
    SELECT 'correlation.stopped_instance', covered.fingerprint, finding.fingerprint
    FROM covered JOIN finding USING (account_id, region, resource_id)
    UNION
    SELECT 'correlation.volume_with_snapshots', head_fingerprint, volume_fingerprint FROM pair
    UNION
    SELECT 'correlation.volume_with_snapshots', head_fingerprint, fingerprint FROM pair
),
claimed AS (
    SELECT
        member.*, gross, cost, rank,
        unnest(CASE WHEN len(covers) > 0 THEN covers ELSE [resource_id] END) AS claimed_id
    FROM member JOIN finding USING (fingerprint)
),
contest AS (
    SELECT
        * EXCLUDE (claimed_id),
        fingerprint = first_value(fingerprint) OVER (
            PARTITION BY rule, head_fingerprint, claimed_id ORDER BY rank, gross DESC, fingerprint
        ) AS wins
    FROM claimed
),
settled AS (
    SELECT rule, head_fingerprint, fingerprint, any_value(gross) AS gross, any_value(cost) AS cost, bool_and(wins) AS counts
    FROM contest
    GROUP BY ALL
),
grouped AS (
    SELECT
        rule, head_fingerprint,
        list(fingerprint ORDER BY fingerprint) AS source_fingerprints,
        sum(gross) FILTER (counts)::DECIMAL(18, 6) AS monthly_savings,
        sum(cost) FILTER (counts)::DECIMAL(18, 6) AS monthly_cost
    FROM settled
    GROUP BY ALL
    HAVING count(*) >= 2
)
SELECT
    head.* EXCLUDE (check_id, source_fingerprints),
    rule AS check_id, grouped.source_fingerprints, monthly_savings, monthly_cost
FROM grouped JOIN findings AS head ON head.fingerprint = head_fingerprint
