-- How many findings are open and what they could save: findings added up once, for all KPIs that count them.
--
-- Grain   one row per category, severity and currency
-- Value   findings: how many; net, gross: monthly savings where the net one is known, in `currency`; null where none is
-- Reads   findings_current (open and reopened)
-- Source  an unknown saving is no part of a sum, and not 0 either
SELECT
    category,
    severity,
    savings.currency AS currency,
    count(*) AS findings,
    sum(savings.net) AS net,
    sum(savings.gross) FILTER (savings.net IS NOT NULL) AS gross
FROM findings_current
WHERE lifecycle.state IN ('open', 'reopened')
GROUP BY ALL
