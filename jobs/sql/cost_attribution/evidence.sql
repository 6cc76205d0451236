-- The billing lines behind each finding's cost of the last 30 days.
--
-- Grain   one row per finding, claimed resource, id on the bill, payer, service, usage type, unit, currency and basis
-- Value   cost_30d in `currency` on `basis`, quantity_30d in `unit`; the rows of a finding add up to its actual cost
-- Reads   findings, lines
-- Source  methods and their confidence: ids byte-equal 1, equal after parsing the ARN 0.98, other resources' 0.75
SELECT
    findings.run_id, findings.run_date, fingerprint, findings.finding_id, provider, lines.account_id,
    claimed_id AS resource_id, matched_key,
    CASE WHEN related THEN 'attachment' WHEN matched_key = claimed_id THEN 'exact' ELSE 'normalized_arn' END AS method,
    CASE method WHEN 'attachment' THEN 0.75 WHEN 'exact' THEN 1 ELSE 0.98 END AS confidence,
    lines.service, usage_type, cost_30d, quantity_30d, unit, currency, basis, lines, billing_periods, source_files,
    invoice_final
FROM lines
JOIN findings USING (fingerprint, provider)
WHERE lines > 0
ORDER BY fingerprint, resource_id, matched_key, payer_account_id, lines.service, usage_type, unit, currency, basis
