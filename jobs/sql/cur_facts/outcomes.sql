-- What becomes of every line of a bill, whichever dialect it is of: a fact, or left out, or kept back with a reason.
--
-- Grain   one row per line of the file
-- Value   the dialect's columns, `reason` and `outcome`: fact, excluded or quarantined
-- Reads   lines (a dialect's SELECT: facts' columns, and has_cost, is_excluded, unreadable)
-- Source  AWS account ids are 12 digits; EC2, the first service with a bill, opened in 2006
SELECT
    * EXCLUDE (has_cost, is_excluded, unreadable),
    CASE
        WHEN unreadable <> '' THEN 'cannot be read: ' || unreadable
        WHEN NOT has_cost THEN 'no cost'
        WHEN usage_start IS NULL THEN 'no usage start'
        WHEN year(usage_start) < 2006 THEN 'usage start before 2006'
        WHEN usage_start > CAST($horizon AS TIMESTAMPTZ)
            OR billing_period > strftime(CAST($horizon AS TIMESTAMPTZ), '%Y-%m')
            THEN 'later than a bill can be: after ' || left($horizon, 10)
        WHEN provider = 'aws' AND NOT regexp_full_match(concat(payer_account_id, account_id), '[0-9]*')
            THEN 'account id is not a number'
        -- 1.23E+11 is what a spreadsheet leaves of a long number.
        WHEN provider <> 'aws' AND regexp_matches(concat(payer_account_id, ' ', account_id), '\b[0-9.]+[eE][+][0-9]+\b')
            THEN 'account id is rounded'
        WHEN NOT list_contains(CAST($payers AS VARCHAR[]), coalesce(payer_account_id, '')) THEN 'not one of the payers'
    END AS reason,
    CASE WHEN is_excluded THEN 'excluded' WHEN reason IS NOT NULL THEN 'quarantined' ELSE 'fact' END AS outcome
FROM lines
