-- How much of the cost of general purpose volumes is that of gp3, day by day.
--
-- Grain   one row per usage day, provider and currency
-- Value   numerator: cost of gp3 storage; denominator: cost of gp2 and gp3 storage; both in `currency`
-- Reads   usage_sums (AWS usage types EBS:VolumeUsage.gp2 and .gp3; no IOPS, throughput, snapshots)
-- Source  AWS Cloud Intelligence Dashboards, KPI tracker: gp3 / (gp2 + gp3)
SELECT
    day AS period,
    'provider' AS dimension,
    provider AS value,
    coalesce(sum(cost) FILTER (usage_type LIKE '%gp3'), 0) AS numerator,
    sum(cost) AS denominator,
    currency
FROM usage_sums
WHERE day IS NOT NULL AND provider = 'aws' AND is_usage AND regexp_matches(usage_type, 'EBS:VolumeUsage[.]gp[23]$')
GROUP BY ALL
HAVING denominator > 0
