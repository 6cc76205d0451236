-- What the bills of each provider can answer at all.
--
-- Grain   one row per provider with facts
-- Value   whether any line names a resource, whether any falls into a window, and the last usage there is
-- Reads   facts, windows (name, since, until)
-- Source  without resource ids on a bill (an option of the export) no finding can be matched, and it says so
SELECT
    provider,
    bool_or(resource_id IS NOT NULL) AS names_resources,
    bool_or(
        usage_start < (SELECT max(until) FROM windows)
        AND greatest(usage_end, usage_start) >= (SELECT min(since) FROM windows)
    ) AS in_windows,
    max(greatest(usage_end, usage_start)) FILTER (coalesce(charge_category, 'Usage') = 'Usage') AS through
FROM facts
GROUP BY provider
